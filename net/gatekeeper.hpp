#pragma once
// Who may connect, and how fast. Owns: connections and failed tokens by address, who has not asked
// for anything yet, the handshake rate. One for all threads, behind a lock that is taken when a
// connection comes, asks and goes, never for a message.
//
// An address is an IPv4 address or an IPv6 /64, which is what one subscriber gets: within it,
// addresses cost nothing.

#include "actors/meter.hpp"
#include "protocol/limits.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/intrusive/list.hpp>
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
  /// Connections of one address that have not asked yet, as a multiple of those that it may have
  /// (`connections_per_address_max`): who opens many at once may open some in vain.
  static constexpr std::size_t half_open_factor = 2;

  class guest;

  explicit gatekeeper(const protocol::limits& bounds)
      : bounds_(bounds), handshakes_(bounds.handshakes_per_second, bounds.handshakes_burst) {}

  /// Whether one more connection may be accepted now; else how long to wait.
  std::optional<std::chrono::milliseconds> admit(actors::steady_time now);
  /// Nobody was there to be accepted: what `admit` took from the rate is given back.
  void nobody_came();

  // What becomes of a connection, in this order; `answered` and `gone` always.

  /// It was accepted. Where there are too many that have not asked yet, another one has to go.
  void accepted(guest& g, const boost::asio::ip::address& from);
  /// Something has come from it, though not its whole request.
  void spoke(guest& g);
  /// Its request is here, and may make it a session. @returns 0, or the HTTP status that refuses it
  unsigned take_in(guest& g);
  /// It has been answered; or, not `asked`, will not be: then it costs nothing of the rate.
  void answered(guest& g, bool asked);
  void gone(guest& g);

  /// 0, or the status for one more whose token is bad. Good tokens pass whatever else comes from
  /// their address: behind a proxy all clients have the proxy's.
  unsigned check_failures(const boost::asio::ip::address& from, actors::steady_time now);
  void failed_token(const boost::asio::ip::address& from, actors::steady_time now);

private:
  struct neighbours;
  /// Addresses by how many of theirs are silent; among equals the one that has been so longest is
  /// in front.
  using silence = std::multimap<std::size_t, neighbours*>;
  using hook = boost::intrusive::list_base_hook<>;
  using guests = boost::intrusive::list<guest, boost::intrusive::base_hook<hook>,
                                        boost::intrusive::constant_time_size<false>>;

  struct neighbours {
    std::size_t all = 0, sessions = 0, half_open = 0;
    std::size_t silent_count = 0;
    guests silent, speaking; ///< half open; the oldest in front
    silence::iterator place;
  };
  struct failures {
    std::size_t count = 0;
    actors::steady_time since;
  };

  void make_room(neighbours& n);
  void count_silent(neighbours& n, std::size_t now);
  void leave_row(guest& g);
  void ask_to_go(guest& g);

  const protocol::limits& bounds_;
  std::mutex mutex_;
  actors::meter handshakes_;
  std::size_t sessions_ = 0;
  std::size_t half_open_ = 0;
  std::map<boost::asio::ip::address, neighbours> by_address_;
  silence by_silence_;
  std::map<boost::asio::ip::address, failures> failures_;
};

/// A connection, as the gatekeeper knows it. Owned by the connection.
class gatekeeper::guest : public boost::intrusive::list_base_hook<> {
public:
  guest() = default;
  guest(const guest&) = delete;
  guest& operator=(const guest&) = delete;

protected:
  virtual ~guest() = default;
  /// Too many have not asked yet: it goes, unless its request has come. Called at most once, by any
  /// thread, under the gatekeeper's lock.
  virtual void asked_to_go() noexcept = 0;

private:
  friend class gatekeeper;
  enum class row { none, silent, speaking };
  boost::asio::ip::address from_;
  neighbours* of_ = nullptr; ///< from `accepted` to `gone`
  row row_ = row::none;
  bool is_session_ = false;
};

} // namespace beckon::net
