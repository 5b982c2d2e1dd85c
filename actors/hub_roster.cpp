// Who is on other nodes, as those say it: each is the authority on its own members and users,
// within what it may make us keep.

#include "actors/home.hpp"
#include "actors/hub.hpp"
#include "protocol/names.hpp"
#include "protocol/relayed.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

namespace {

/// More sessions of a member are not told: handovers count them in 16 bits.
constexpr std::uint64_t sessions_max = 65'535;

} // namespace

/// @returns whether it may tell us of `bytes` in place of those that it told us `before`
bool hub::note_told(peer& p, std::size_t bytes, std::size_t before) {
  p.told_bytes += bytes;
  p.told_bytes -= before;
  return p.told_bytes <= options_.told_bytes_max;
}

/// What its word on the member costs now; 0: there is none.
std::size_t hub::told_of(const peer& p, const protocol::member_record& r) const {
  auto entry = groups_.find(r.group);
  if (entry == groups_.end())
    return 0;
  auto member = entry->second.far.find(r.uid);
  if (member == entry->second.far.end())
    return 0;
  for (auto& v : member->second)
    if (v.peer == p.id)
      return peer::told_cost + r.group.size() + r.uid.size() + v.meta.size();
  return 0;
}

// ---- members ----

hub::trouble hub::take(peer& p, const protocol::member_record& r) {
  auto& bounds = shared_.bounds;
  if (!protocol::is_group_name(r.group, bounds) || !protocol::is_uid(r.uid, bounds))
    return {}; // its limits are wider than ours
  auto meta = r.meta.size() <= bounds.meta_bytes_max ? r.meta : std::string_view{};
  if (!meta.empty() && !protocol::is_json_line(meta))
    return bad_record;
  auto is_there = r.sessions > 0;
  auto cost = peer::told_cost + r.group.size() + r.uid.size() + meta.size();
  if (!note_told(p, is_there ? cost : 0, told_of(p, r)))
    return told_too_much;
  auto entry = groups_.try_emplace(std::string(r.group)).first;
  auto member = entry->second.far.try_emplace(std::string(r.uid)).first;
  auto& values = member->second;
  far_value now{p.id,
                std::min(r.sessions, sessions_max),
                credible(p, r.stamp),
                std::string(meta),
                credible(p, r.meta_stamp),
                r.is_bot};
  shared_.clock.observe(std::max(now.stamp, now.meta_stamp));
  auto known = std::find_if(values.begin(), values.end(), [&](auto& v) { return v.peer == p.id; });
  auto was_known = known != values.end();
  if (auto local = entry->second.actor(); local && (was_known || is_there)) {
    hand_on(p, local);
    send(local, far_of(member->first, now));
  }
  p.members += is_there - was_known;
  if (was_known && !is_there && p.gone.size() < peer::gone_max)
    p.gone.emplace(r.group, r.uid);
  if (was_known && is_there)
    *known = std::move(now);
  else if (was_known)
    values.erase(known);
  else if (is_there)
    values.push_back(std::move(now));
  if (values.empty())
    entry->second.far.erase(member);
  forget_if_empty(entry);
  return {};
}

far_member hub::far_of(const std::string& uid, const far_value& v) {
  auto* p = find(v.peer);
  return {v.peer, p->name, uid, v.sessions, v.stamp, v.meta, v.meta_stamp, v.is_bot};
}

void hub::forget_if_empty(groups::iterator entry) {
  if (entry->second.empty())
    groups_.erase(entry);
}

// ---- users ----

hub::trouble hub::take(peer& p, const protocol::user_record& r) {
  if (!protocol::is_uid(r.user, shared_.bounds))
    return {};
  if (!note_user(p, r))
    return told_too_much;
  auto& shard = shared_.users_of(r.user);
  hand_on(p, shard);
  send(shard, far_user{p.id, std::string(r.user), r.sessions});
  return {};
}

/// @returns whether it may tell us of that many
bool hub::note_user(peer& p, const protocol::user_record& r) {
  auto found = far_users_.find(r.user);
  auto is_its = [&](const far_place& place) { return place.peer == p.id; };
  auto place = found == far_users_.end()
                   ? std::vector<far_place>::iterator{}
                   : std::find_if(found->second.begin(), found->second.end(), is_its);
  if (found != far_users_.end() && place != found->second.end()) {
    place->gone = r.sessions == 0;
    if (place->gone)
      gone_users_.emplace(r.user, p.id);
    return true;
  }
  if (r.sessions == 0)
    return true;
  far_users_[std::string(r.user)].push_back({p.id, false});
  return note_told(p, peer::told_cost + r.user.size(), 0);
}

/// Those that went before the last look.
void hub::forget_gone_users() {
  for (auto& [user, id] : std::exchange(long_gone_users_, std::exchange(gone_users_, {}))) {
    auto found = far_users_.find(user);
    if (found == far_users_.end())
      continue;
    auto gone =
        std::erase_if(found->second, [&](auto& place) { return place.peer == id && place.gone; });
    if (auto* p = find(id); p && gone > 0)
      note_told(*p, 0, peer::told_cost + user.size());
    if (found->second.empty())
      far_users_.erase(found);
  }
}

void hub::forget_users(peer_id lost) {
  for (auto user = far_users_.begin(); user != far_users_.end();) {
    std::erase_if(user->second, [&](auto& place) { return place.peer == lost; });
    user = user->second.empty() ? far_users_.erase(user) : std::next(user);
  }
}

} // namespace beckon::actors
