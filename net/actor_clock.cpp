#include "net/actor_clock.hpp"

#include "actors/memory_reserve.hpp"

#include <utility>

namespace beckon::net {

template <class F>
void actor_clock::locked(F change) {
  actors::must_not_fail or_the_clock_stands; // what is due later is small
  std::lock_guard guard{mutex_};
  change();
  rearm();
}

void actor_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self,
                                       caf::atom_value type, std::uint64_t id) {
  locked([&] { super::set_ordinary_timeout(t, self, type, id); });
}

void actor_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                    std::uint64_t id) {
  locked([&] { super::set_multi_timeout(t, self, type, id); });
}

void actor_clock::set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) {
  locked([&] { super::set_request_timeout(t, self, id); });
}

void actor_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  locked([&] { super::cancel_ordinary_timeout(self, type); });
}

void actor_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  locked([&] { super::cancel_request_timeout(self, id); });
}

void actor_clock::cancel_timeouts(caf::abstract_actor* self) {
  locked([&] { super::cancel_timeouts(self); });
}

void actor_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver,
                                   caf::mailbox_element_ptr content) {
  locked([&] { super::schedule_message(t, std::move(receiver), std::move(content)); });
}

void actor_clock::schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                                   caf::message content) {
  locked([&] {
    super::schedule_message(t, std::move(target), std::move(sender), std::move(content));
  });
}

void actor_clock::cancel_all() {
  locked([&] { super::cancel_all(); });
}

void actor_clock::shutdown() {
  std::lock_guard guard{mutex_};
  stopped_ = true;
  super::cancel_all();
  timer_.cancel();
}

void actor_clock::rearm() {
  if (stopped_ || schedule_.empty() || (armed_ && schedule_.begin()->first >= due_))
    return;
  armed_ = true;
  due_ = schedule_.begin()->first;
  timer_.expires_at(due_);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (ec)
      return; // set anew, for something earlier, or shut down
    actors::must_not_fail here;
    std::lock_guard guard{mutex_};
    armed_ = false;
    trigger_expired_timeouts();
    rearm();
  });
}

} // namespace beckon::net
