#pragma once
// When a client is too slow (protocol.md, Slow clients). Owns: whether its queue is full, and since
// when nothing of it moved. A value of whoever keeps a client's queue: the connection, a bot's
// port, the kit's recorder. How much is queued they know, and say it with each question.

#include "actors/timing_wheel.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <utility>

namespace beckon::actors {

class slow_client {
public:
  /// How long a client may be slow; then closed 4103.
  struct patience {
    std::chrono::milliseconds without_progress{10'000};
    std::chrono::milliseconds full{30'000}; ///< since the first refusal without room
  };

  slow_client(const protocol::limits& bounds, patience how_long)
      : bounds_(bounds), patience_(how_long) {}

  // ---- push, room, reserve ----

  /// Whether a delivery may be queued as well.
  bool fits(std::size_t queued, std::size_t bytes) const noexcept {
    return queued + bytes <= bounds_.outbound_bytes_max;
  }
  /// Whether so little is queued that deliveries fit again after some were refused: half is free.
  bool has_room(std::size_t queued) const noexcept {
    return queued <= bounds_.outbound_bytes_max / 2;
  }
  /// Answers may use the reserve as well; beyond it the client is closed.
  bool over_reserve(std::size_t queued) const noexcept {
    return queued > bounds_.outbound_bytes_max + bounds_.reserve_bytes_max;
  }
  /// Whether to read from the client: what it says makes the queue longer.
  bool may_be_read(std::size_t queued) const noexcept {
    return !full_ && queued <= bounds_.outbound_bytes_max;
  }

  /// A delivery did not fit. Where half is free it was too large for any client, slow or not.
  /// @returns whether the queue has become full by it
  bool refused(std::size_t queued, steady_time now) noexcept {
    if (has_room(queued) || std::exchange(full_, true))
      return false;
    full_since_ = now;
    return true;
  }
  /// @returns whether the queue was full and has room again
  bool freed(std::size_t queued) noexcept {
    return has_room(queued) && std::exchange(full_, false);
  }

  // ---- stall ----

  /// Something is queued.
  void waits(steady_time now) noexcept {
    if (!std::exchange(waiting_, true))
      progress_ = now;
  }
  /// The client took some, and `queued` are left.
  void moved(std::size_t queued, steady_time now) noexcept {
    progress_ = now;
    waiting_ = queued > 0;
  }

  bool is_too_slow(steady_time now) const noexcept {
    return (waiting_ && now - progress_ >= patience_.without_progress) ||
           (full_ && now - full_since_ >= patience_.full);
  }
  /// Whether there is something that takes too long if it goes on, and when that is.
  bool is_waiting() const noexcept { return waiting_ || full_; }
  steady_time too_slow_at() const noexcept {
    assert(is_waiting());
    auto stalled = waiting_ ? progress_ + patience_.without_progress : steady_time::max();
    return full_ ? std::min(stalled, full_since_ + patience_.full) : stalled;
  }

private:
  const protocol::limits& bounds_;
  patience patience_;
  bool full_ = false;    ///< a delivery was refused, and half of the queue was not free since
  bool waiting_ = false; ///< something is queued
  steady_time full_since_{}, progress_{};
};

} // namespace beckon::actors
