#pragma once
// CAF's scheduler on our threads. Owns: nothing; it hands actors to the runtime's units. Loaded
// into CAF's configuration, so that the actor system starts no workers and no clock thread of its
// own (docs/decisions/0001-actors-on-asio.md).

#include "net/actor_clock.hpp"
#include "net/thread_unit.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <memory>
#include <vector>

namespace beckon::net {

using thread_units = std::vector<std::unique_ptr<thread_unit>>;

class scheduler final : public caf::scheduler::abstract_coordinator {
  using super = caf::scheduler::abstract_coordinator;

public:
  scheduler(caf::actor_system& system, thread_units& units, boost::asio::io_context& clock_loop);
  void init(caf::actor_system_config& config) override;
  /// From a thread of the runtime: resumed there, the cache is warm. From elsewhere: in turn.
  void enqueue(caf::resumable* job) override;
  caf::actor_clock& clock() noexcept override { return clock_; }
  /// By ~actor_system, once the threads of the units have ended.
  void stop() override;

private:
  thread_units& units_;
  actor_clock clock_;
  std::atomic<std::size_t> next_{0};
};

/// Makes actor systems of this configuration run on `units`, and delayed messages wait in
/// `clock_loop`. Both outlive them.
void use_scheduler(caf::actor_system_config& config, thread_units& units,
                   boost::asio::io_context& clock_loop);

} // namespace beckon::net
