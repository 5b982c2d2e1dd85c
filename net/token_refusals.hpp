#pragma once
// What is logged of tokens that were refused: who shows bad ones is not to push out other lines.
// Owns: how many there were of each reason since the last line about it. One for all threads,
// behind a lock.

#include "net/token.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace beckon::net {

class token_refusals {
public:
  using time = std::chrono::steady_clock::time_point;
  /// From one line to the next.
  static constexpr std::chrono::seconds pause{1};

  struct line {
    token_errc why;
    std::uint64_t times; ///< since the last line about this reason
  };

  /// Counts one. @returns a line to be logged now: about the reason that has waited longest for one
  std::optional<line> count(token_errc why, time now);

private:
  struct reason {
    std::uint64_t untold = 0;
    time last_told{};
  };
  std::mutex mutex_;
  std::array<reason, token_errc_count + 1> reasons_; ///< by token_errc, which begins with 1
  std::optional<time> last_told_;
};

} // namespace beckon::net
