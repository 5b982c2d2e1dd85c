// A group and its behaviour: which one it has, and what only behaviours ask of it.

#include "actors/group.hpp"
#include "actors/surviving.hpp"
#include "protocol/names.hpp"

#include <algorithm>

namespace beckon::actors {

// ---- which one ----

/// A group for which no rule speaks has no host, and asks nobody on its way.
void group::choose_behaviour() {
  auto chosen = shared_.chosen_behaviours.load();
  auto name = chosen ? chosen->name_for(name_) : std::string_view{};
  if (auto* kind = shared_.known_behaviours.find(name))
    host().start(kind, chosen->options_for(name));
}

/// A group whose rule says what it said before keeps what it has, by an operator's word perhaps.
void group::choose_again(const choose_behaviours& c) {
  auto now = shared_.chosen_behaviours.load();
  auto before = c.before ? c.before->name_for(name_) : std::string_view{};
  auto name = now ? now->name_for(name_) : std::string_view{};
  auto same =
      before == name && (name.empty() || c.before->options_for(name) == now->options_for(name));
  if (!same)
    swap_to(name);
}

void group::swap(const swap_behaviour& s) {
  swapped result{.what = swapped::kind::done, .behaviour = {}, .was = {}, .why = {}};
  if (s.behaviour)
    result = swap_to(*s.behaviour);
  else if (host_)
    result.behaviour = result.was = std::string(host_->behaviour());
  s.done(result);
}

swapped group::swap_to(std::string_view behaviour) {
  auto* kind = shared_.known_behaviours.find(behaviour);
  if (!kind && !behaviour.empty()) {
    auto had = std::string(host_ ? host_->behaviour() : std::string_view{});
    return {.what = swapped::kind::no_behaviour, .behaviour = had, .was = had, .why = {}};
  }
  auto chosen = shared_.chosen_behaviours.load();
  auto result = host().swap(kind, chosen && kind ? chosen->options_for(behaviour) : settings{});
  retire_if_empty(); // what kept it while it was empty is gone
  return result;
}

behaviour_host& group::host() {
  if (!host_)
    host_ = std::make_unique<behaviour_host>(*this);
  return *host_;
}

void group::renew_handlers() {
  become(own_handlers());
}

void group::call(call_group& c) {
  host().call(c, current_sender_id());
}

// ---- who may be here ----

/// Of this node's sessions.
void group::remove(std::string_view uid, protocol::left_reason why) {
  auto* m = roster_.find(uid);
  if (!m)
    return;
  std::vector<seat> gone;
  for (auto* s : m->seats)
    gone.push_back(*s);
  for (auto& s : gone)
    evict(s, why);
  schedule_flush();
}

void group::remove_all(protocol::left_reason why) {
  std::vector<std::string> gone;
  roster_.for_each_member([&](const member& m) {
    if (!m.seats.empty())
      gone.push_back(m.uid);
  });
  for (auto& uid : gone)
    remove(uid, why);
  retire_if_empty();
}

void group::remove_everywhere(std::string_view uid, std::int64_t banned_until) {
  if (!protocol::is_uid(uid, shared_.bounds))
    return; // nobody has that name
  far_removal f{name_, std::string(uid), banned_until};
  remove_far(f);
  if (shared_.hub)
    send(shared_.hub, std::move(f));
}

void group::remove_far(const far_removal& f) {
  if (f.banned_until)
    ban(f.uid, f.banned_until);
  remove(f.uid, protocol::left_reason::kicked);
  if (host_)
    host_->tell_changes();
  retire_if_empty();
}

void group::ban(std::string_view uid, std::int64_t until) {
  bans_.add(uid, until);
  wake_for_bans();
}

void group::unban(std::string_view uid) {
  if (!protocol::is_uid(uid, shared_.bounds))
    return;
  bans_.remove(uid);
  if (shared_.hub)
    send(shared_.hub, far_unban{name_, std::string(uid)});
}

// ---- time ----

/// For the earliest that the group waits for; at that time it looks.
void group::wake_by(actor_alarm::time_point when) {
  if (retired_)
    return;
  if (!alarm_)
    alarm_ = std::make_unique<actor_alarm>(*this, [this] { survives([this] { wake(); }); });
  alarm_->ring_by(when);
}

void group::wake() {
  bans_.expire(home::current().wall_ms);
  wake_for_bans();
  if (host_)
    host_->wake();
  retire_if_empty();
}

/// The directory has forgotten it: nothing that it waited for keeps it any longer.
void group::retire() {
  retired_ = true;
  alarm_.reset();
  if (host_)
    host_->stop();
}

void group::wake_for_bans() {
  if (bans_.empty())
    return;
  auto left = std::chrono::milliseconds(bans_.next_end() - home::current().wall_ms);
  left = std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds{0},
                                               group_api::time_max);
  wake_by(clock().now() + left);
}

} // namespace beckon::actors
