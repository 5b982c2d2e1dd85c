#pragma once
// When the clients of a node that drains are to come back. Owns: over what time they spread.

#include <chrono>
#include <cstddef>

namespace beckon::net {

/// Where nobody else could take them: the time in which a node starts again.
inline constexpr std::chrono::milliseconds retry_spread_alone{5000};
/// However few they are.
inline constexpr std::chrono::milliseconds retry_spread_min{250};
/// New connections per second that a node is trusted with whose rate is not limited.
inline constexpr std::size_t handshakes_per_second_unlimited = 500;

/// Each client is told to wait for a random part of this: as long as the others take to let all in.
/// @param peers other nodes that are linked now
/// @param handshakes_per_second that each of them lets in; 0: as many as come
std::chrono::milliseconds retry_spread(std::size_t sessions, std::size_t peers,
                                       std::size_t handshakes_per_second);

} // namespace beckon::net
