#include "actors/timing_wheel.hpp"

#include <algorithm>

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
  auto& slot = ring_[at % slots];
  entry.prev_ = slot.prev_;
  entry.next_ = &slot;
  slot.prev_->next_ = &entry;
  slot.prev_ = &entry;
}

void timing_wheel::advance(steady_time now) {
  if (now < origin_)
    return;
  auto target = static_cast<std::size_t>((now - origin_) / tick);
  // After a long pause (SIGSTOP) one round sees every slot.
  if (target > now_tick_ + slots)
    now_tick_ = target - slots;
  while (now_tick_ < target) {
    auto& slot = ring_[++now_tick_ % slots];
    // Taken off first: an entry that sets itself again, or ends others, must not be met twice in
    // this round.
    head round;
    while (slot.armed()) {
      auto* entry = slot.next_;
      entry->unlink();
      if (entry->when_ <= now) {
        entry->due(now);
        continue;
      }
      entry->prev_ = round.prev_;
      entry->next_ = &round;
      round.prev_->next_ = entry;
      round.prev_ = entry;
    }
    while (round.armed()) {
      auto* later = round.next_;
      set(*later, later->when_);
    }
  }
}

std::optional<steady_time> timing_wheel::next() {
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
