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

  /// How far another node's clock may be ahead of this one's.
  static constexpr std::int64_t ahead_ms_max = 60 * 60 * 1000;

  /// What another node's stamp counts here. One from a future that far off would win over all that
  /// follows, for ever. @returns `stamp`, or the latest that is believed
  static std::uint64_t credible(std::uint64_t stamp, std::int64_t wall_ms) noexcept {
    auto latest = static_cast<std::uint64_t>(wall_ms + ahead_ms_max) << counter_bits;
    return stamp < latest ? stamp : latest;
  }

  /// Another node has been here. @param stamp a credible one
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
