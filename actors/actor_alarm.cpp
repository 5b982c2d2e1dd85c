#include "actors/actor_alarm.hpp"

#include <utility>

namespace beckon::actors {

// CAF's clock can be told to forget the time-out of a request, and of nothing else that reaches
// more than its own handlers: so the alarm is a request to nobody.
void actor_alarm::ring_by(time_point when) {
  if (armed_ && when_ <= when)
    return;
  if (!awaited_) {
    id_ = of_.new_request_id(caf::message_priority::normal).response_id();
    of_.add_multiplexed_response_handler(id_, caf::behavior{[this](const caf::error&) { rang(); }});
    awaited_ = true;
  }
  disarm();
  of_.clock().set_request_timeout(when, &of_, id_);
  when_ = when;
  armed_ = true;
}

void actor_alarm::disarm() {
  if (std::exchange(armed_, false))
    of_.clock().cancel_request_timeout(&of_, id_);
}

void actor_alarm::rang() {
  awaited_ = false;
  // It may lie in the mailbox already when it is disarmed, or set anew for an earlier time.
  auto was_armed = armed_;
  disarm();
  if (was_armed)
    ring_();
}

} // namespace beckon::actors
