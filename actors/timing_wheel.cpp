#include "actors/timing_wheel.hpp"

#include <algorithm>
#include <exception>

namespace beckon::actors {

std::size_t timing_wheel::tick_of(steady_time when) const {
  if (when <= origin_)
    return 0;
  return static_cast<std::size_t>((when - origin_ + tick - std::chrono::nanoseconds{1}) / tick);
}

void timing_wheel::set(deadline& entry, steady_time when) {
  entry.unlink();
  entry.when_ = when;
  // A deadline that is past already fires with the next tick, not within this call.
  auto at = std::max(tick_of(when), now_tick_ + 1);
  if (empty_ || (next_tick_ > now_tick_ && at < next_tick_))
    next_tick_ = at;
  empty_ = false;
  link(entry, ring_[at % slots]);
}

void timing_wheel::link(deadline& entry, head& list) noexcept {
  entry.prev_ = list.prev_;
  entry.next_ = &list;
  list.prev_->next_ = &entry;
  list.prev_ = &entry;
}

void timing_wheel::fire(deadline& entry, steady_time now) noexcept {
  try {
    entry.due(now);
  } catch (const std::exception& trouble) {
    entry.failed(trouble.what());
  }
}

void timing_wheel::advance(steady_time now) {
  if (now < origin_)
    return;
  auto target = static_cast<std::size_t>((now - origin_) / tick);
  // After a long pause (SIGSTOP) one round sees every slot.
  if (target > now_tick_ + slots) {
    now_tick_ = target - slots;
    put_back();
  }
  auto left = looked_at_max;
  while (now_tick_ < target) {
    auto& slot = ring_[++now_tick_ % slots];
    // Taken off first: an entry that sets itself again, or ends others, must not be met twice in
    // this round.
    for (; slot.armed() && left > 0; --left) {
      auto& entry = *slot.next_;
      entry.unlink();
      if (entry.when_ <= now)
        fire(entry, now);
      else
        link(entry, later_);
    }
    if (slot.armed()) { // the rest of the tick comes with the next call
      --now_tick_;
      return;
    }
    put_back();
  }
}

/// What was met in this tick, and is due in another round.
void timing_wheel::put_back() {
  while (later_.armed())
    set(*later_.next_, later_.next_->when_);
}

std::optional<steady_time> timing_wheel::next() {
  if (later_.armed()) {
    next_tick_ = now_tick_ + 1; // in the middle of a tick
    empty_ = false;
  }
  if (!empty_ && next_tick_ <= now_tick_) {
    empty_ = true;
    for (std::size_t i = 1; i <= slots && empty_; ++i)
      if (ring_[(now_tick_ + i) % slots].armed()) {
        next_tick_ = now_tick_ + i;
        empty_ = false;
      }
  }
  if (empty_)
    return std::nullopt;
  return origin_ +
         static_cast<std::int64_t>(next_tick_) * std::chrono::steady_clock::duration(tick);
}

} // namespace beckon::actors
