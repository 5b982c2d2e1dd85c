#pragma once
// The cluster, as the node's operators see it. Owns: nothing; values that the hub makes and shows.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::actors {

/// Another node while its link stands.
struct peer_view {
  std::string name;
  std::uint64_t incarnation = 0;
  bool synced = false; ///< it has told us all its members
  std::size_t members = 0;
  std::chrono::nanoseconds lag{0}; ///< a ping's round trip
  std::size_t in_flight_bytes = 0;
  std::size_t window_bytes = 0;
};

struct cluster_view {
  std::vector<peer_view> peers;
  std::size_t members = 0; ///< this node's own
};

/// Something that the log tells.
struct cluster_event {
  enum class kind : std::uint8_t { up, synced, down };
  kind what = kind::up;
  std::string_view peer;
  std::uint64_t incarnation = 0;
  std::size_t members = 0; ///< of that node
  std::string_view why;    ///< down
};

} // namespace beckon::actors
