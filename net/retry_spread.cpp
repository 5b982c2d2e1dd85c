#include "net/retry_spread.hpp"

#include <algorithm>

namespace beckon::net {

std::chrono::milliseconds retry_spread(std::size_t sessions, std::size_t peers,
                                       std::size_t handshakes_per_second) {
  if (peers == 0)
    return retry_spread_alone;
  auto rate = handshakes_per_second ? handshakes_per_second : handshakes_per_second_unlimited;
  return std::max(retry_spread_min, std::chrono::milliseconds(1000 * sessions / (peers * rate)));
}

} // namespace beckon::net
