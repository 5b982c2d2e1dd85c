#pragma once
// What the hub sees of the ways to other nodes, and what it is told of them. Owns: nothing.
// Implemented in net/ by the cluster gate, in the simulation by its wires.

#include <atomic>
#include <caf/actor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace beckon::actors {

/// Numbers a link within this process; never used twice, never 0.
using link_id = std::uint64_t;
/// Numbers another node's process, as long as its link stands: as a session_address holds it. 0:
/// none.
using peer_id = std::uint32_t;

/// Bytes of records that may be on their way to one node, or lie there and not be dealt with.
inline constexpr std::size_t link_window_bytes = 8 * 1024 * 1024;
/// Rosters, answers and removals may go beyond the window. At so many windows the peer has read
/// nothing for long: its link ends, and with the next one it is told everything anew.
inline constexpr std::size_t link_windows_unread_max = 3;
/// So many windows lie here: the peer heeds none, and its link ends.
inline constexpr std::size_t link_windows_flooded = 4;

/// To the hub: a link stands. Who is at its other end has been proven; batches of records sent to
/// `hub` reach that node's hub, in order.
struct link_up {
  link_id link = 0;
  std::string peer;              ///< the node's name
  std::uint64_t incarnation = 0; ///< of that node's process: larger means started later
  std::uint64_t epoch = 0; ///< the same at both ends, another for each link: marks its batches
  caf::actor hub;
  /// Bytes of the link's batches that the hub has dealt with, counted up by it: the gate holds them
  /// against those that have come. Nothing: nobody asks.
  std::shared_ptr<std::atomic<std::uint64_t>> dealt_with = {};
};

/// To the hub: a link has ended, by whichever side. Nothing sent to it since arrives.
struct link_down {
  link_id link = 0;
  std::string why; ///< for the log
};

class links {
public:
  virtual ~links() = default;
  /// Ends a link: `link_down` follows, the node is dialled again. Any thread.
  virtual void drop(link_id link, std::string_view why) = 0;
};

} // namespace beckon::actors
