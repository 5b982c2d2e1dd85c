#pragma once
// One listening socket of one thread. Owns: the socket, a descriptor in reserve, and when accepting
// pauses. Each thread has its own for each address (SO_REUSEPORT), so that connections never change
// threads.

#include "actors/timing_wheel.hpp"
#include "net/poller.hpp"
#include "net/services.hpp"
#include "net/thread_unit.hpp"
#include "net/unique_fd.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/result.hpp>

namespace beckon::net {

using endpoint = boost::asio::ip::tcp::endpoint;

/// Binds a listening socket. `first` of its address: plainly, so that another server's port is an
/// error; the others share.
boost::system::result<unique_fd> bind_listener(const endpoint& where, bool first);
/// Where it is bound: the kernel's choice for port 0.
endpoint bound_to(const unique_fd& listening);

class listener final : public pollee, private actors::deadline {
public:
  /// Pause after an accept that the system refused (net.md: without one, 63 % of a core is burnt).
  static constexpr std::chrono::milliseconds back_off{50};
  static constexpr int accepts_per_turn = 64;

  listener(services& around, thread_unit& unit, unique_fd socket);
  /// On the unit's thread, like all that follows.
  void start();
  void stop();
  void ready(std::uint32_t events) override;
  /// No memory: later.
  void failed(const char* why) noexcept override;

private:
  void due(actors::steady_time now) override;
  void accept_some();
  void wait_until(actors::steady_time when);
  void go_on();
  bool accept_one();
  void out_of_descriptors(int error);

  services& around_;
  thread_unit& unit_;
  unique_fd socket_;
  unique_fd reserve_; ///< closed for a moment to tell a client 503 when no other is left
  actors::steady_time last_told_{};
  bool waits_ = false; ///< counted as one that accepts nobody now
};

} // namespace beckon::net
