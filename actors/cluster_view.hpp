#pragma once
// The cluster, as the node's operators see it. Owns: nothing; values that the hub makes and shows.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::actors {

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
  std::string last_error; ///< why it was lost last; empty: it never was
};

struct cluster_view {
  std::vector<peer_view> peers;
  std::size_t members = 0; ///< this node's own
};

/// Something that the log tells.
struct cluster_event {
  enum class kind : std::uint8_t { synced, down };
  kind what = kind::synced;
  std::string_view peer;
  std::size_t members = 0; ///< of that node
  std::string_view why;    ///< down
};

} // namespace beckon::actors
