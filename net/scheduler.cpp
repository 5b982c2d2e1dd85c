#include "net/scheduler.hpp"

namespace beckon::net {

/// Messages that one actor takes before the others get their turn. CAF's own default is unlimited.
static constexpr std::size_t messages_per_activation = 64;

scheduler::scheduler(caf::actor_system& system, thread_units& units,
                     boost::asio::io_context& clock_loop)
    : super(system), units_(units), clock_(clock_loop) {}

void scheduler::init(caf::actor_system_config& config) {
  super::init(config);
  num_workers_ = units_.size();
  max_throughput_ = messages_per_activation;
  for (auto& unit : units_)
    unit->bind(system(), max_throughput_);
}

void scheduler::enqueue(caf::resumable* job) {
  auto* unit = thread_unit::current();
  if (!unit)
    unit = units_[next_.fetch_add(1, std::memory_order_relaxed) % units_.size()].get();
  unit->exec_later(job);
}

/// The threads have ended: nobody else touches what is dropped here.
void scheduler::stop() {
  stop_actors();
  clock_.shutdown();
  for (auto some = true; some;) { // an actor that is dropped may wake one of another unit
    some = false;
    for (auto& unit : units_)
      some |= unit->clear();
  }
}

void use_scheduler(caf::actor_system_config& config, thread_units& units,
                   boost::asio::io_context& clock_loop) {
  config.module_factories.emplace_back(
      [&units, &clock_loop](caf::actor_system& system) -> caf::actor_system::module* {
        return new scheduler(system, units, clock_loop);
      });
}

} // namespace beckon::net
