#pragma once
// What a thread does with its time: a turn that takes long keeps everybody of that thread waiting.
// Owns: where this turn's time went. Written by its own thread; whoever is told is told on it.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace beckon::net {

/// The parts of a turn, in order (docs/architecture.md).
enum class turn_part : std::uint8_t { sockets, deadlines, coroutines, actors, sending };
inline constexpr std::size_t turn_part_count = 5;
constexpr std::array<std::string_view, turn_part_count> turn_part_names{
    "sockets", "deadlines", "coroutines", "actors", "sending"};

struct slow_turn {
  std::chrono::nanoseconds took{};
  /// CPU time of the thread in it, at most: far below `took`, the thread was kept from running.
  std::chrono::nanoseconds cpu{};
  turn_part longest{};
  std::chrono::nanoseconds longest_took{};
  std::size_t actors = 0;   ///< activations
  std::uint64_t untold = 0; ///< slow ones since the last that was told
};

class turn_watch {
public:
  using time = std::chrono::steady_clock::time_point;
  /// A turn is slow above this.
  static constexpr std::chrono::milliseconds slow{50};
  /// Slow ones are told one at a time, at most one in this.
  static constexpr std::chrono::seconds told_every{1};

  /// A turn begins.
  void begin(time now);
  /// This part of it is done. A few instructions: the clock is read only for the whole turn.
  void did(turn_part part) noexcept {
    auto now = ticks();
    spent_[static_cast<std::size_t>(part)] += now - last_;
    last_ = now;
  }
  void resumed(std::size_t actors) noexcept { actors_ += actors; }
  /// The turn is over, if it has not been before. @returns whether it was slow
  bool end(time now, const std::function<void(const slow_turn&)>& tell) {
    auto took = now - std::exchange(began_, time::max());
    if (took <= slow) [[likely]]
      return false;
    report(took, now, tell);
    return true;
  }

private:
  static std::uint64_t ticks() noexcept;
  void report(std::chrono::nanoseconds took, time now,
              const std::function<void(const slow_turn&)>& tell);

  time began_ = time::max(); ///< none: it has ended
  std::uint64_t last_ = 0;
  std::array<std::uint64_t, turn_part_count> spent_{};
  std::size_t actors_ = 0;
  time cpu_read_{}; ///< when `cpu_` was, at most `slow` before the turn began
  std::chrono::nanoseconds cpu_{};
  time told_{};
  std::uint64_t untold_ = 0;
};

/// Something that counts up evenly, cheaper than the clock. Its unit does not matter.
inline std::uint64_t turn_watch::ticks() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  std::uint64_t count;
  asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

} // namespace beckon::net
