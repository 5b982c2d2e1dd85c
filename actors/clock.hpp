#pragma once
// A clock that orders what several nodes did: wall time, made to run on past every stamp that was
// seen (a hybrid logical clock). Owns: the largest stamp so far. Any thread.

#include <atomic>
#include <cstdint>

namespace beckon::actors {

class hybrid_clock {
public:
  /// A stamp larger than any before it. @param wall_ms since 1970, in 42 bits until the year 2109
  std::uint64_t stamp(std::int64_t wall_ms) noexcept {
    auto wall = static_cast<std::uint64_t>(wall_ms) << counter_bits;
    auto last = last_.load(std::memory_order_relaxed);
    while (!last_.compare_exchange_weak(last, next(last, wall), std::memory_order_relaxed)) {
    }
    return next(last, wall);
  }

  /// Another node has been here.
  void observe(std::uint64_t stamp) noexcept {
    auto last = last_.load(std::memory_order_relaxed);
    while (last < stamp && !last_.compare_exchange_weak(last, stamp, std::memory_order_relaxed)) {
    }
  }

private:
  static constexpr int counter_bits = 16;
  static std::uint64_t next(std::uint64_t last, std::uint64_t wall) noexcept {
    return wall > last ? wall : last + 1;
  }
  std::atomic<std::uint64_t> last_{0};
};

} // namespace beckon::actors
