#pragma once
// The one door to the sessions of a thread: whatever a group emits to a session passes its mailbox,
// so that nothing overtakes. Owns: which groups the thread's sessions are in (monitored once for
// all of them).
//
// Handles: handover, fanout (deliveries), group_reply (joined, left, roster, …), settlements and
// answer (for holders of tickets), down of a group. Answers none; sends settlements to other relays
// at the end of a turn.

#include "actors/home.hpp"
#include "actors/messages.hpp"
#include "actors/pinned_actor.hpp"

#include <unordered_map>

namespace beckon::actors {

class relay final : public pinned_actor {
public:
  relay(caf::actor_config& config, home& place);
  caf::behavior make_behavior() override;

  /// A session of this thread is in the group: tell the thread's sessions when the group fails.
  /// Home's thread only.
  void watch(const caf::actor& group);
  void unwatch(const caf::actor& group);

  /// Hands settlements to their sessions. Home's thread only.
  void settle(const settlements& list);

private:
  void hand_over(const handover& h);
  void hand_over_to(const handover& h, const handover_target& target);
  void fan_out(const fanout& f);
  void reply(group_reply& r);
  void answer_caller(const answer& a);
  void forget(const caf::down_msg& down);
  template <class F>
  bool guarded(session& who, F f);

  home& home_;
  std::unordered_map<caf::actor_id, std::size_t>
      watched_; ///< group -> sessions of this thread in it
};

} // namespace beckon::actors
