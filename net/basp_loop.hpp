#pragma once
// CAF's multiplexer, which here is the gate's loop: the broker runs between the gate's coroutines,
// so that a message changes threads once on its way to the wire. Owns: nothing. CAF opens no
// socket: what would make one is refused. Run by the gate, after it by ~actor_system.

#include <boost/asio/io_context.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/network/multiplexer.hpp>
#include <caf/resumable.hpp>
#include <cstdint>
#include <string>

namespace beckon::net {

class basp_loop final : public caf::io::network::multiplexer {
public:
  using native_socket = caf::io::network::native_socket;
  using endpoint = caf::io::network::ip_endpoint;

  basp_loop(caf::actor_system& system, boost::asio::io_context& loop)
      : multiplexer(&system), loop_(loop) {}
  ~basp_loop() override;

  /// Of a system that was made with `use_basp_loop`.
  static basp_loop& of(caf::actor_system& system);
  boost::asio::io_context& loop() noexcept { return loop_; }

  /// Until nothing is left to do. On the thread that is CAF's from here on.
  void run() override;
  /// Brokers, and what others want done beside them, are resumed here. Any thread.
  void exec_later(caf::resumable* job) override;

  // What CAF asks a multiplexer for.
  bool try_run_once() override;
  void run_once() override;
  supervisor_ptr make_supervisor() override { return nullptr; }
  caf::io::scribe_ptr new_scribe(native_socket) override;
  caf::expected<caf::io::scribe_ptr> new_tcp_scribe(const std::string&, std::uint16_t) override;
  caf::io::doorman_ptr new_doorman(native_socket) override;
  caf::expected<caf::io::doorman_ptr> new_tcp_doorman(std::uint16_t, const char*, bool) override;
  caf::io::datagram_servant_ptr new_datagram_servant(native_socket) override;
  caf::io::datagram_servant_ptr new_datagram_servant_for_endpoint(native_socket,
                                                                  const endpoint&) override;
  caf::expected<caf::io::datagram_servant_ptr> new_remote_udp_endpoint(const std::string&,
                                                                       std::uint16_t) override;
  caf::expected<caf::io::datagram_servant_ptr> new_local_udp_endpoint(std::uint16_t, const char*,
                                                                      bool) override;

private:
  void resume_later(caf::intrusive_ptr<caf::resumable> job);
  void resume(caf::intrusive_ptr<caf::resumable> job);

  boost::asio::io_context& loop_;
};

/// Actor systems of this configuration can be linked with others, by a gate. `loop` outlives them.
void use_basp_loop(caf::actor_system_config& config, boost::asio::io_context& loop);

} // namespace beckon::net
