#include "actors/relay.hpp"

#include "actors/session.hpp"
#include "actors/surviving.hpp"

#include <algorithm>
#include <exception>

namespace beckon::actors {

relay::relay(caf::actor_config& config, home& place)
    : pinned_actor(config, *place.unit), home_(place) {
  set_down_handler([this](caf::down_msg& down) { survives([&] { forget(down); }); });
}

caf::behavior relay::make_behavior() {
  return {
      surviving([this](handover& h) { return hand_over(h), unanswered{}; }),
      surviving([this](fanout& f) { return fan_out(f), unanswered{}; }),
      surviving([this](group_reply& r) { reply(r); }),
      surviving([this](settlements& list) { settle(list); }),
      surviving([this](answer& a) { answer_caller(a); }),
  };
}

/// One session's trouble (memory ran out while it was served) ends that session, never the relay.
/// @returns whether there was none
template <class F>
bool relay::guarded(session& who, F f) {
  try {
    may_fail alone;
    f(who);
    return true;
  } catch (const std::exception& trouble) {
    who.fail(trouble.what());
    return false;
  }
}

/// At most `recipients_max` times `connections_per_user_max` targets.
void relay::hand_over(const handover& h) {
  hand_over_to(h, h.first);
  for (auto& target : h.rest)
    hand_over_to(h, target);
}

void relay::hand_over_to(const handover& h, const handover_target& target) {
  settlement s{.to = h.from,
               .ticket = h.ticket,
               .what = settlement::kind::outcome,
               .result = protocol::outcome::offline,
               .recipient = target.recipient,
               .sessions = target.sessions};
  auto* who = home_.find(target.slot, target.generation);
  if (who && guarded(*who, [&](session& callee) { callee.hand_over(h, s); }))
    return;
  if (who)
    s.result = protocol::outcome::overloaded;
  if (h.ticket)
    home_.settle(s);
}

/// At most `members_per_group_max` seats, less those of other threads.
void relay::fan_out(const fanout& f) {
  std::uint32_t taken = 0;
  for (auto& seat : *f.to) {
    if (std::binary_search(f.skip.begin(), f.skip.end(), seat))
      continue;
    if (auto* who = home_.find(seat.slot, seat.generation))
      guarded(*who, [&](session& member) { taken += member.publish_to(f) ? 1 : 0; });
  }
  if (f.ticket)
    home_.settle({.to = f.from,
                  .ticket = f.ticket,
                  .what = settlement::kind::counted,
                  .count = taken,
                  .parts = f.parts});
}

void relay::reply(group_reply& r) {
  if (auto* who = home_.find(r.to.slot, r.to.generation))
    guarded(*who, [&](session& member) { member.take_reply(r); });
}

void relay::settle(const settlements& list) {
  for (auto& s : list)
    if (auto* who = home_.find(s.to.slot, s.to.generation))
      guarded(*who, [&](session& holder) { holder.settle(s); });
}

void relay::answer_caller(const answer& a) {
  if (auto* who = home_.find(a.to.slot, a.to.generation))
    guarded(*who, [&](session& caller) { caller.take_answer(a); });
}

void relay::watch(const caf::actor& group) {
  if (++watched_[group.id()] == 1)
    monitor(group);
}

void relay::unwatch(const caf::actor& group) {
  auto found = watched_.find(group.id());
  if (found == watched_.end() || --found->second > 0)
    return;
  watched_.erase(found);
  demonitor(group);
}

/// At most the sessions of this thread, for a group that has failed.
void relay::forget(const caf::down_msg& down) {
  // A group ends politely once no session holds it, so a group that is still watched has failed.
  if (watched_.erase(down.source.id()) == 0)
    return;
  home_.for_each_session([&](session& who) {
    guarded(who, [&](session& member) { member.lose_group(down.source.id()); });
  });
}

} // namespace beckon::actors
