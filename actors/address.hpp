#pragma once
// Where a session lives: its thread and its place in that thread's table. Owns: nothing, it is a
// value. The generation tells a session from the one that had the place before: a stale address
// reaches nobody.

#include <compare>
#include <cstddef>
#include <cstdint>

namespace beckon::actors {

/// Threads of a node: numbers of requests and messages carry the thread in six bits, and doubles
/// hold 53.
inline constexpr std::size_t homes_max = 64;

struct session_address {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0; ///< 0: nobody
  std::uint16_t home = 0;       ///< index of the thread

  explicit operator bool() const noexcept { return generation != 0; }
  friend auto operator<=>(const session_address&, const session_address&) = default;
};

} // namespace beckon::actors
