#pragma once
// How a client behaves: its rates and its mistakes. Owns: the buckets of one session and when
// patience ends.

#include "actors/meter.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

namespace beckon::actors {

class conduct {
public:
  /// Mistakes within `mistakes_window` that end a session (protocol.md section 6).
  static constexpr std::size_t mistakes_max = 10;
  static constexpr std::chrono::minutes mistakes_window{1};
  /// How long a client may stay over its rate.
  static constexpr std::chrono::seconds over_rate_max{10};
  /// Without a refusal for this long, it is within its rate again.
  static constexpr std::chrono::seconds over_rate_forgiven{1};
  /// Who is over its rate is not read until its bucket has room for what the rate lets pass in this
  /// time: so it is read ten times a second, and not for each frame that becomes possible.
  static constexpr std::chrono::milliseconds over_rate_pause{100};
  /// But no longer than this at a time: a frame of many seconds' rate may have passed on credit,
  /// and a ping, a close and other small frames are not to wait until it is paid.
  static constexpr std::chrono::milliseconds over_rate_pause_max{1000};

  explicit conduct(const protocol::limits& bounds)
      : frames_(bounds.frames_per_second, bounds.frames_burst),
        bytes_(bounds.bytes_per_second, bounds.bytes_per_second),
        joins_(bounds.joins_per_second, bounds.joins_per_second) {}

  /// An actor of the program: it is trusted.
  void lift_rates() { frames_ = bytes_ = joins_ = meter(0, 0); }

  /// What a roster costs of the rate of frames: its page may be 48 KiB, a ping's answer is 15
  /// bytes.
  static constexpr std::size_t roster_cost = 10;

  /// One frame of this size arrived, which costs as much as `cost` plain ones. @returns nothing
  /// when it may pass, else how long to wait.
  std::optional<std::chrono::milliseconds> frame(std::size_t bytes, steady_time now,
                                                 std::size_t cost = 1) {
    if (!frames_.take(static_cast<double>(cost), now))
      return refused(frames_, static_cast<double>(cost), now);
    if (!bytes_.take(static_cast<double>(bytes), now))
      return refused(bytes_, static_cast<double>(bytes), now);
    return std::nullopt;
  }

  /// A join or leave.
  std::optional<std::chrono::milliseconds> join(steady_time now) {
    if (!joins_.take(1, now))
      return refused(joins_, 1, now);
    return std::nullopt;
  }

  /// Until then it is not to be read, as something was refused. In the past: read on.
  steady_time read_again() const noexcept { return read_again_; }

  /// Whether it has been over a rate for over_rate_max.
  bool over_rate_too_long() const noexcept {
    return last_refusal_ - first_refusal_ >= over_rate_max;
  }

  /// An error of the client's own making. @returns whether it was one too many.
  bool mistake(steady_time now) {
    auto& oldest = mistakes_[next_mistake_++ % mistakes_.size()];
    auto too_many = oldest != steady_time{} && now - oldest < mistakes_window;
    oldest = now;
    return too_many;
  }

private:
  /// The pause that follows counts as a refusal up to its end: nothing can be refused in it.
  std::chrono::milliseconds refused(const meter& by, double units, steady_time now) {
    if (now - std::max(last_refusal_, read_again_) > over_rate_forgiven ||
        last_refusal_ == steady_time{})
      first_refusal_ = now;
    last_refusal_ = now;
    auto room = std::max(units, by.units_in(over_rate_pause));
    read_again_ = std::max(read_again_, now + std::min(by.wait(room), over_rate_pause_max));
    return by.wait(units);
  }

  meter frames_, bytes_, joins_;
  steady_time first_refusal_{}, last_refusal_{}, read_again_{};
  std::array<steady_time, mistakes_max - 1> mistakes_{};
  std::size_t next_mistake_ = 0;
};

} // namespace beckon::actors
