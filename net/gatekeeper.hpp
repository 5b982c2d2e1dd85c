#pragma once
// Who may connect, and how fast. Owns: connections by address, failed tokens by address, the
// handshake rate. One for all threads, behind a lock that is taken when a connection comes and
// goes, never for a message.

#include "actors/meter.hpp"
#include "protocol/limits.hpp"

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

namespace beckon::net {

class gatekeeper {
public:
  /// Bad tokens of one address within `failures_window` before it gets 429 (faults.md 84).
  static constexpr std::size_t failures_max = 20;
  static constexpr std::chrono::minutes failures_window{1};
  /// Addresses whose failures are remembered; over it the window of all starts anew.
  static constexpr std::size_t failing_addresses_max = 65'536;

  explicit gatekeeper(const protocol::limits& bounds)
      : bounds_(bounds), handshakes_(bounds.handshakes_per_second, bounds.handshakes_burst) {}

  /// Whether one more connection may be accepted now; else how long to wait.
  std::optional<std::chrono::milliseconds> admit(actors::steady_time now);
  /// Nobody was there to be accepted: what `admit` took from the rate is given back.
  void nobody_came();
  /// A connection was accepted, and later: its request has been answered, and: it is gone.
  void accepted(const boost::asio::ip::address& from);
  void handshake_done();
  void gone(const boost::asio::ip::address& from);

  /// 0 when a connection of this address may become a session; else the HTTP status that refuses
  /// it.
  unsigned check(const boost::asio::ip::address& from);
  /// The same for one whose token is bad. Good tokens pass whatever else comes from their address:
  /// behind a proxy all clients have the proxy's.
  unsigned check_failures(const boost::asio::ip::address& from, actors::steady_time now);
  void failed_token(const boost::asio::ip::address& from, actors::steady_time now);

private:
  struct failures {
    std::size_t count = 0;
    actors::steady_time since;
  };
  const protocol::limits& bounds_;
  std::mutex mutex_;
  actors::meter handshakes_;
  std::size_t connections_ = 0;
  std::size_t in_progress_ = 0;
  std::map<boost::asio::ip::address, std::size_t> by_address_;
  std::map<boost::asio::ip::address, failures> failures_;
};

} // namespace beckon::net
