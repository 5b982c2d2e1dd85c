#include "actors/roster.hpp"

#include "protocol/json.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

void append_member(std::string& out, std::string_view uid, const member_value& value) {
  protocol::append_quoted(out, uid);
  out += ":{";
  if (!value.meta.empty())
    out.append("\"meta\":").append(value.meta) += ',';
  out.append("\"sessions\":").append(std::to_string(value.sessions)) += '}';
}

member* roster::find(std::string_view uid) const {
  auto found = index_.find(uid);
  return found == index_.end() ? nullptr : found->second;
}

seat* roster::find(caf::actor_id session) {
  auto found = seats_.find(session);
  return found == seats_.end() ? nullptr : &found->second;
}

seat& roster::add(caf::actor_id session, std::string_view uid, seat entry) {
  auto* m = find(uid);
  if (m) {
    note(*m);
  } else {
    m = &members_.emplace(uid, member{std::string(uid), {}, {}}).first->second;
    index_.emplace(m->uid, m);
    pending_.try_emplace(m->uid); // a member that left in this window keeps its old value there
  }
  entry.of = m;
  auto& placed = seats_.emplace(session, std::move(entry)).first->second;
  m->seats.push_back(&placed);
  return placed;
}

void roster::remove(caf::actor_id session) {
  auto found = seats_.find(session);
  auto& m = *found->second.of;
  note(m);
  std::erase(m.seats, &found->second);
  seats_.erase(found);
  if (!m.seats.empty())
    return;
  index_.erase(m.uid);
  members_.erase(members_.find(m.uid));
}

void roster::set_meta(member& of, std::string_view meta) {
  note(of);
  of.meta = meta;
}

void roster::note(const member& m) {
  pending_.try_emplace(m.uid, change{.before = member_value{m.meta, m.seats.size()}});
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
  store = {now->meta, now->seats.size()};
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
      store = {m->meta, m->seats.size()};
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
