#include "tests/kit/stage.hpp"

#include "actors/clerk.hpp"
#include "actors/directory.hpp"
#include "actors/group.hpp"
#include "actors/presence.hpp"
#include "actors/relay.hpp"
#include "actors/users.hpp"

namespace beckon::testing {

using actors::steady_time;
using std::chrono::milliseconds;

/// Not zero, which some take for "never".
static constexpr steady_time start{std::chrono::hours{1}};
/// One message per activation: no order within an actor's mailbox is left to chance.
static constexpr std::size_t throughput = 1;

protocol::limits stage::unlimited() {
  protocol::limits bounds;
  bounds.frames_per_second = bounds.bytes_per_second = bounds.joins_per_second = 0;
  bounds.connections_per_user_max = 0;
  return bounds;
}

stage::stage(std::size_t homes, const protocol::limits& bounds,
             std::vector<protocol::policy_rule> policies)
    : now_(start) {
  node.bounds = bounds;
  node.policies = std::move(policies);
  for (std::size_t i = 0; i < homes; ++i) {
    units_.push_back(std::make_unique<unit>());
    auto index = static_cast<std::uint16_t>(i);
    auto& home = node.homes.emplace_back(std::make_unique<actors::home>(node, index, start));
    home->know_homes(homes);
    home->unit = units_.back().get();
  }
  config_.set("scheduler.policy", caf::atom("testing"));
  config_.set("logger.verbosity", caf::atom("quiet"));
  config_.add_message_types<caf::id_block::beckon>();
  system_ = std::make_unique<caf::actor_system>(config_);
  // By reference, so that a policy that was not understood throws.
  coordinator_ = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  for (auto& u : units_)
    u->bind(*system_);
  for (auto& home : node.homes) {
    home->relay_handle = system_->spawn<actors::relay, caf::hidden>(*home);
    home->relay_actor =
        static_cast<actors::relay*>(caf::actor_cast<caf::abstract_actor*>(home->relay_handle));
  }
  for (std::size_t i = 0; i < actors::node_state::shards; ++i) {
    node.directories.push_back(system_->spawn<actors::directory, caf::hidden>(node));
    node.users.push_back(system_->spawn<actors::users, caf::hidden>(node));
  }
  node.clerk = system_->spawn<actors::clerk, caf::hidden>();
  settle();
}

stage::~stage() {
  settle();
  pass(actors::presence_window_max); // a flush that is due holds its group
  settle();
  auto end = [](const auto& actor) { caf::anon_send_exit(actor, caf::exit_reason::kill); };
  for (auto& [name, group] : groups_)
    if (auto left = caf::actor_cast<caf::actor>(group))
      end(left);
  for (auto& group : former_groups_) // a timer holds one that has been forgotten, until it is due
    if (auto left = caf::actor_cast<caf::actor>(group))
      end(left);
  for (auto& home : node.homes)
    end(std::exchange(home->relay_handle, nullptr));
  end(std::exchange(node.hub, nullptr));
  end(std::exchange(node.clerk, nullptr));
  for (auto* shards : {&node.directories, &node.users}) {
    for (auto& actor : *shards)
      end(actor);
    shards->clear();
  }
  while (jobs() > 0)
    run(0, 0);
  system_.reset();
}

void stage::join_cluster(std::string name, actors::links& ways, actors::hub_options options) {
  node.name = std::move(name);
  for (auto& home : node.homes) // another part of the numbers for each node
    home->number_from(std::hash<std::string>{}(node.name) % (std::uint64_t{1} << 40));
  node.hub = system_->spawn<actors::hub, caf::hidden>(node, ways, options, nullptr);
  settle();
}

// ---- one step at a time
// ---------------------------------------------------------------------------

std::size_t stage::jobs() const {
  auto count = coordinator_->jobs.size();
  for (auto& u : units_)
    count += u->jobs.size();
  return count;
}

/// The queue that holds the job; `job` becomes its place there, `home` where it runs.
std::deque<caf::resumable*>& stage::queue_of(std::size_t& job, std::size_t& home) {
  for (std::size_t i = 0; i < units_.size(); ++i) {
    auto& own = units_[i]->jobs;
    if (job < own.size()) {
      home = i;
      return own;
    }
    job -= own.size();
  }
  return coordinator_->jobs;
}

void stage::run(std::size_t job, std::size_t elsewhere) {
  auto home = elsewhere;
  auto& queue = queue_of(job, home);
  auto place = queue.begin() + static_cast<std::ptrdiff_t>(job);
  auto* actor = *place;
  queue.erase(place);
  note_group(actor);
  enter(home);
  switch (actor->resume(units_[home].get(), throughput)) {
  case caf::resumable::resume_later:
    units_[home]->jobs.push_back(actor); // keeps the reference
    break;
  case caf::resumable::awaiting_message:
  case caf::resumable::done:
    caf::intrusive_ptr_release(actor);
    break;
  case caf::resumable::shutdown_execution_unit:
    break;
  }
}

actors::home& stage::enter(std::size_t home) {
  auto& entered = *node.homes[home];
  entered.enter();
  entered.now = now_;
  entered.wall_ms =
      wall_ms_at_start + std::chrono::duration_cast<milliseconds>(now_ - start).count();
  return entered;
}

void stage::arrive(const caf::actor& from, const caf::actor& to, std::string batch) {
  enter(0);
  caf::send_as(from, to, std::move(batch));
}

void stage::fire(std::size_t home) {
  auto& entered = enter(home);
  entered.wheel.advance(now_);
}

void stage::pass(milliseconds time) {
  now_ += time;
  coordinator_->clock().advance_time(time);
}

// ---- all at once
// ----------------------------------------------------------------------------------

void stage::settle() {
  auto owes = true;
  while (owes || jobs() > 0) {
    while (jobs() > 0)
      run(0, 0);
    owes = false;
    for (std::size_t i = 0; i < node.homes.size(); ++i) {
      owes = owes || node.homes[i]->owes();
      end_turn(i);
    }
  }
}

void stage::settle_without(const caf::actor& slow) {
  auto* slow_job = dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(slow));
  for (std::size_t job = 0; job < jobs();) {
    auto place = job, home = std::size_t{0};
    if (queue_of(place, home)[place] == slow_job) {
      ++job;
      continue;
    }
    run(job, 0);
    for (std::size_t i = 0; i < node.homes.size(); ++i)
      end_turn(i);
    job = 0;
  }
}

void stage::settle_for(milliseconds time) {
  constexpr milliseconds step{10};
  settle();
  for (milliseconds passed{0}; passed < time; passed += step) {
    pass(std::min(step, time - passed));
    for (std::size_t i = 0; i < node.homes.size(); ++i)
      fire(i);
    settle();
  }
}

// ---- the groups
// -----------------------------------------------------------------------------------

/// A group's first message is the join that it was made for, which tells its name.
void stage::note_group(caf::resumable* job) {
  auto* made = dynamic_cast<actors::group*>(job);
  auto* first = made ? made->mailbox().peek() : nullptr;
  if (first && first->content().match_elements<actors::join_group>()) {
    auto& latest = groups_[first->content().get_as<actors::join_group>(0).group];
    if (latest && latest != made->address())
      former_groups_.push_back(latest);
    latest = made->address();
  }
}

caf::actor stage::group_named(const std::string& name) const {
  auto found = groups_.find(name);
  return found == groups_.end() ? caf::actor{} : caf::actor_cast<caf::actor>(found->second);
}

void stage::kill_group(const std::string& name) {
  if (auto actor = group_named(name))
    caf::anon_send_exit(actor, caf::exit_reason::kill);
}

std::int64_t stage::sum(actors::gauge actors::counters::*which) const {
  std::int64_t total = 0;
  for (auto& home : node.homes)
    total += (home->count.*which).value();
  return total;
}

} // namespace beckon::testing
