#include "actors/roster.hpp"

#include "protocol/json.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace beckon::actors {

void append_member(std::string& out, std::string_view uid, const member_value& value) {
  protocol::append_quoted(out, uid);
  out += ":{";
  if (!value.meta.empty())
    out.append("\"meta\":").append(value.meta) += ',';
  out.append("\"sessions\":").append(std::to_string(value.sessions));
  out += value.is_bot ? ",\"bot\":true}" : "}";
}

/// What a member's meta adds to a frame.
static std::size_t meta_bytes(std::string_view meta) noexcept {
  return meta.empty() ? 0 : meta.size() + meta_key_bytes;
}

member* roster::find(std::string_view uid) const {
  auto found = index_.find(uid);
  return found == index_.end() ? nullptr : found->second;
}

seat* roster::find(caf::actor_id session) {
  auto found = seats_.find(session);
  return found == seats_.end() ? nullptr : &found->second;
}

member_value roster::value_of(const member& m) const {
  auto sessions = m.seats.size();
  auto is_bot = m.bots > 0;
  for (auto& other : m.far) {
    sessions += other.sessions;
    is_bot = is_bot || other.is_bot;
  }
  if (policy_ != protocol::session_policy::multi)
    sessions = std::min<std::size_t>(sessions, 1);
  return {m.meta, sessions, is_bot};
}

/// The member of that name, who is made when there is none, noted before it changes.
member& roster::enter(std::string_view uid) {
  if (auto* m = find(uid)) {
    note(*m);
    return *m;
  }
  auto& made = members_.try_emplace(std::string(uid)).first->second;
  made.uid = uid;
  index_.emplace(made.uid, &made);
  // One that left in this window keeps its old value there.
  if (pending_.try_emplace(made.uid).second)
    pending_bytes_ += made.uid.size() + change_bytes;
  return made;
}

seat& roster::add(caf::actor_id session, std::string_view uid, seat entry) {
  auto& m = enter(uid);
  entry.of = &m;
  auto& placed = seats_.emplace(session, std::move(entry)).first->second;
  near_members_ += m.seats.empty();
  placed.at = m.seats.size();
  m.seats.push_back(&placed);
  m.bots += placed.is_bot;
  m.stamp = std::max(m.stamp, placed.stamp);
  return placed;
}

void roster::remove(caf::actor_id session) {
  auto found = seats_.find(session);
  auto& m = *found->second.of;
  note(m);
  auto& leaving = found->second;
  assert(m.seats[leaving.at] == &leaving);
  m.seats.back()->at = leaving.at;
  m.seats[leaving.at] = m.seats.back();
  m.seats.pop_back();
  m.bots -= leaving.is_bot;
  seats_.erase(found);
  near_members_ -= m.seats.empty();
  remove_if_gone(m);
}

member* roster::set_far(std::string_view uid, const far_seat& there) {
  auto* known = find(uid);
  if (there.sessions == 0 && !known)
    return nullptr;
  auto& m = known ? *known : enter(uid);
  note(m);
  auto entry = std::find_if(m.far.begin(), m.far.end(),
                            [&](const far_seat& other) { return other.peer == there.peer; });
  if (there.sessions == 0 && entry != m.far.end()) {
    m.far.erase(entry);
    if (--peers_[there.peer] == 0)
      peers_.erase(there.peer);
  } else if (there.sessions > 0 && entry != m.far.end()) {
    *entry = there;
  } else if (there.sessions > 0) {
    m.far.push_back(there);
    ++peers_[there.peer];
  }
  remove_if_gone(m);
  return find(uid);
}

void roster::lose(peer_id peer) {
  if (!peers_.contains(peer))
    return;
  std::vector<std::string> theirs; // as one that is gone must not be stepped on
  for (auto& [uid, m] : members_)
    if (std::any_of(m.far.begin(), m.far.end(), [&](auto& other) { return other.peer == peer; }))
      theirs.push_back(uid);
  for (auto& uid : theirs)
    set_far(uid, {.peer = peer});
}

void roster::remove_if_gone(member& m) {
  if (!m.seats.empty() || !m.far.empty())
    return;
  pending_bytes_ -= meta_bytes(m.meta); // it was noted before it went
  index_.erase(m.uid);
  members_.erase(members_.find(m.uid));
}

void roster::set_meta(member& of, std::string_view meta, std::uint64_t stamp) {
  note(of);
  pending_bytes_ += meta_bytes(meta);
  pending_bytes_ -= meta_bytes(of.meta);
  of.meta = meta;
  of.meta_stamp = stamp;
}

void roster::note(const member& m) {
  auto [entry, is_new] = pending_.try_emplace(m.uid);
  if (!is_new)
    return;
  entry->second.before = value_of(m);
  pending_bytes_ += m.uid.size() + meta_bytes(m.meta) + change_bytes;
}

void roster::shown(const member& m) {
  if (auto found = pending_.find(m.uid); found != pending_.end())
    found->second.shown = true;
}

/// What watchers know of a uid: the value of before the window, where one is pending.
const member_value* roster::known(std::string_view uid, const member* now,
                                  member_value& store) const {
  if (auto found = pending_.find(uid); found != pending_.end())
    return found->second.before ? &*found->second.before : nullptr;
  store = value_of(*now);
  return &store;
}

roster_page roster::page(std::string_view after, std::size_t limit, std::string_view joiner) const {
  roster_page result;
  result.members = '{';
  std::size_t count = 0;
  std::string_view last;
  member_value store;
  // Members as they are now, and those that left within the window, in one order.
  auto now = members_.upper_bound(after);
  auto gone = pending_.upper_bound(after);
  while (now != members_.end() || gone != pending_.end()) {
    auto from_now = gone == pending_.end() || (now != members_.end() && now->first <= gone->first);
    std::string_view uid = from_now ? now->first : gone->first;
    const member* m = from_now ? &now->second : nullptr;
    if (gone != pending_.end() && gone->first == uid)
      ++gone;
    if (from_now)
      ++now;
    const member_value* value = known(uid, m, store);
    if (m && uid == joiner) {
      store = value_of(*m);
      value = &store;
    }
    if (!value)
      continue;
    if (count == limit || result.members.size() >= roster_split_bytes) {
      result.next = last;
      break;
    }
    if (count++ > 0)
      result.members += ',';
    append_member(result.members, uid, *value);
    last = uid;
  }
  result.members += '}';
  return result;
}

} // namespace beckon::actors
