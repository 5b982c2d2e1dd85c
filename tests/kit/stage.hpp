#pragma once
// A node without threads and without sockets: its homes take turns and its actors run one message
// at a time, when they are told to and in the order in which they are told, on a clock that only
// moves when it is moved. Owns: the actor system, the homes, the time.

#include "actors/home.hpp"
#include "actors/hub.hpp"
#include "actors/messages.hpp"
#include "actors/node.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace beckon::testing {

class stage {
public:
  /// The time of the clients' first frames, in ms since 1970.
  static constexpr std::int64_t wall_ms_at_start = 1'700'000'000'000;

  explicit stage(std::size_t homes = 1, const protocol::limits& bounds = unlimited(),
                 std::vector<protocol::policy_rule> policies = {});
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  /// @pre no session is left
  ~stage();

  /// The default limits without the rates.
  static protocol::limits unlimited();

  actors::node_state node;

  /// Gives the node a hub, which reaches others by `ways`. Before its first session.
  void join_cluster(std::string name, actors::links& ways, actors::hub_options options = {});

  // ---- one step at a time ----

  std::size_t jobs() const;
  /// Lets the actor of one waiting job take one message. One that was woken on no home's thread (by
  /// a timer or by the test) runs on home `elsewhere`.
  void run(std::size_t job, std::size_t elsewhere);
  /// From here on we are on the home's thread, in a new turn.
  actors::home& enter(std::size_t home);
  void end_turn(std::size_t home) { enter(home).end_turn(); }
  /// A message from `from`, an actor of this node, reaches `to` as it would from another node.
  void arrive(const caf::actor& from, const caf::actor& to, std::string batch);
  /// Fires the deadlines that are due.
  void fire(std::size_t home);
  /// Time passes: nothing else happens, but that the actors' delayed messages arrive.
  void pass(std::chrono::milliseconds time);
  actors::steady_time now() const noexcept { return now_; }

  // ---- all at once, for tests that do not care about the order ----

  /// Until no actor has a message and no home owes anything.
  void settle();
  /// The same, but for what one actor still has to do: it is slow.
  void settle_without(const caf::actor& slow);
  /// Lets time pass in short steps, and everything that comes due happen.
  void settle_for(std::chrono::milliseconds time);

  // ---- the groups ----

  /// The actor that stands for a group, or nothing before its first join or after its end.
  caf::actor group_named(const std::string& name) const;
  /// Ends a group's actor as an exception in it would.
  void kill_group(const std::string& name);

  caf::actor_system& system() noexcept { return *system_; }

  /// The sum of a gauge over the homes.
  std::int64_t sum(actors::gauge actors::counters::*which) const;

private:
  class unit final : public caf::execution_unit {
  public:
    unit() : caf::execution_unit(nullptr) {}
    void bind(caf::actor_system& system) { system_ = &system; }
    void exec_later(caf::resumable* job) override { jobs.push_back(job); }
    std::deque<caf::resumable*> jobs;
  };
  std::deque<caf::resumable*>& queue_of(std::size_t& job, std::size_t& home);
  void note_group(caf::resumable* job);

  caf::actor_system_config config_;
  std::vector<std::unique_ptr<unit>>
      units_; ///< before the system, which queues there while it ends
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_ = nullptr;
  actors::steady_time now_;
  std::map<std::string, caf::actor_addr> groups_; ///< the latest actor of each name
  std::vector<caf::actor_addr> former_groups_;
};

} // namespace beckon::testing
