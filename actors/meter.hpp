#pragma once
// A token bucket. Owns: how much may pass now. One per session and rate; no clock of its own.

#include "actors/timing_wheel.hpp"

#include <algorithm>
#include <chrono>

namespace beckon::actors {

class meter {
public:
  meter() = default;
  /// `per_second` units pass, `burst` at once after a pause. per_second 0: everything passes.
  meter(std::size_t per_second, std::size_t burst)
      : rate_(static_cast<double>(per_second)), burst_(static_cast<double>(burst)), level_(burst_) {
  }

  /// Takes `units` if they may pass now.
  bool take(double units, steady_time now) {
    if (rate_ == 0)
      return true;
    refill(now);
    if (level_ < std::min(units, burst_))
      return false;
    level_ -= units; // one unit larger than the burst leaves a debt
    return true;
  }

  /// What `take` took was not used.
  void give_back(double units) { level_ = std::min(burst_, level_ + units); }

  /// What passes in so long, at most.
  double units_in(std::chrono::milliseconds time) const {
    return std::min(burst_, rate_ * std::chrono::duration<double>(time).count());
  }

  /// How long until `units` may pass.
  std::chrono::milliseconds wait(double units) const {
    if (rate_ == 0)
      return std::chrono::milliseconds{0};
    auto missing = std::min(units, burst_) - level_;
    return std::chrono::milliseconds{
        static_cast<std::int64_t>(std::max(0.0, missing) / rate_ * 1000) + 1};
  }

private:
  void refill(steady_time now) {
    if (now > last_) {
      if (last_ != steady_time{})
        level_ =
            std::min(burst_, level_ + rate_ * std::chrono::duration<double>(now - last_).count());
      last_ = now;
    }
  }

  double rate_ = 0;
  double burst_ = 0;
  double level_ = 0;
  steady_time last_{};
};

} // namespace beckon::actors
