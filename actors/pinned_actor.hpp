#pragma once
// An actor with a home: CAF resumes it on one thread only, so that it may touch what that thread
// owns without a lock. Owns: nothing but the knowledge of its execution unit.

#include <caf/all.hpp>

namespace beckon::actors {

class pinned_actor : public caf::event_based_actor {
public:
  /// @param unit outlives the actor; `exec_later` may be called on it from any thread
  pinned_actor(caf::actor_config& config, caf::execution_unit& unit)
      : caf::event_based_actor(config), unit_(unit) {
    context(&unit_); // so that it can send before it was resumed for the first time
  }

  using caf::event_based_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr message, caf::execution_unit*) override {
    caf::event_based_actor::enqueue(std::move(message), &unit_);
  }
  void launch(caf::execution_unit*, bool lazy, bool hide) override {
    caf::event_based_actor::launch(&unit_, lazy, hide);
  }

private:
  caf::execution_unit& unit_;
};

} // namespace beckon::actors
