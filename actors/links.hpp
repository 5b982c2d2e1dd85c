#pragma once
// What the hub sees of the ways to other nodes, and what it is told of them. Owns: nothing.
// Implemented in net/ by the cluster gate, in the simulation by its wires.

#include <caf/actor.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::actors {

/// Numbers a link within this process; never used twice, never 0.
using link_id = std::uint64_t;
/// Numbers another node's process, as long as its link stands: as a session_address holds it. 0:
/// none.
using peer_id = std::uint32_t;

/// To the hub: a link stands. Who is at its other end has been proven; batches of records sent to
/// `hub` reach that node's hub, in order.
struct link_up {
  link_id link = 0;
  std::string peer;              ///< the node's name
  std::uint64_t incarnation = 0; ///< of that node's process: larger means started later
  std::uint64_t epoch = 0; ///< the same at both ends, another for each link: marks its batches
  caf::actor hub;
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
