#pragma once
// What happened at the cluster gate, in numbers. Owns: the cells. Written by the gate's thread
// alone, read by any.

#include "actors/counters.hpp"
#include "net/cluster_refusal.hpp"

#include <array>

namespace beckon::net {

struct cluster_counters {
  actors::gauge links;                 ///< to other nodes, both hubs know each other
  actors::gauge handshakes;            ///< half done, of both roles
  actors::counter accepted;            ///< links that the other side dialled
  actors::counter dialled;             ///< links that this side dialled
  actors::counter lost;                ///< links that ended
  actors::counter dials_failed;        ///< nobody there, or nobody who answers
  actors::counter bytes_in, bytes_out; ///< over all links
  std::array<actors::counter, cluster_refusal_count> refused;

  void refuse(cluster_refusal why) noexcept { refused[static_cast<std::size_t>(why)].add(); }
};

} // namespace beckon::net
