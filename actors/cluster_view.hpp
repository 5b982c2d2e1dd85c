#pragma once
// The cluster, as the node's operators see it. Owns: nothing; values that the hub makes and shows.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::actors {

/// What went to another node and came from there, over all links with it, in records and in the
/// bytes of their batches.
struct peer_traffic {
  std::uint64_t records_out = 0, bytes_out = 0;
  std::uint64_t records_in = 0, bytes_in = 0;
};

/// Another node, while its link stands and after it was lost.
struct peer_view {
  enum class link : std::uint8_t { syncing, up, lost };
  std::string name;
  link state = link::lost;
  std::uint64_t incarnation = 0;
  std::size_t members = 0;
  std::chrono::nanoseconds lag{0}; ///< a ping's round trip
  std::size_t in_flight_bytes = 0;
  std::size_t window_bytes = 0;
  std::size_t credit_bytes = 0; ///< what is left of the window
  peer_traffic traffic = {};
  std::string last_error = {}; ///< why it was lost last; empty: it never was
};

struct cluster_view {
  std::vector<peer_view> peers;
  std::size_t members = 0; ///< this node's own
};

/// Something that the log tells.
struct cluster_event {
  enum class kind : std::uint8_t { synced, down, ahead }; ///< ahead: its clock, too far
  kind what = kind::synced;
  std::string_view peer;
  std::size_t members = 0; ///< of that node
  std::string_view why;    ///< down
};

} // namespace beckon::actors
