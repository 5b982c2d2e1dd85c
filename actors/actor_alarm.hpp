#pragma once
// The one entry that an actor has in CAF's clock, whatever it waits for: that of the earliest.
// Owns: that entry, which goes when an earlier one takes its place, and when it is disarmed.
// (A delayed message would stay until its time, and keep its actor.) Ends with its actor, which
// uses it alone.

#include <caf/all.hpp>
#include <chrono>
#include <functional>

namespace beckon::actors {

class actor_alarm {
public:
  using time_point = caf::actor_clock::time_point;

  /// @param ring is called in the actor
  actor_alarm(caf::event_based_actor& of, std::function<void()> ring)
      : of_(of), ring_(std::move(ring)) {}
  actor_alarm(const actor_alarm&) = delete;
  actor_alarm& operator=(const actor_alarm&) = delete;
  ~actor_alarm() { disarm(); }

  /// Rings once, at `when` or before. It may be too early: whoever is called looks what is due.
  void ring_by(time_point when);
  /// The actor may go: nothing holds it for the alarm's sake.
  void disarm();

private:
  void rang();

  caf::event_based_actor& of_;
  std::function<void()> ring_;
  caf::message_id id_;   ///< of the answer that the clock gives when the time has come
  bool awaited_ = false; ///< the actor takes that answer
  bool armed_ = false;
  time_point when_{};
};

} // namespace beckon::actors
