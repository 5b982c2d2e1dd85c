// A group and its members on other nodes: what the hub tells of them, and what it is told of ours.

#include "actors/group.hpp"
#include "actors/home.hpp"
#include "actors/surviving.hpp"

#include <algorithm>
#include <tuple>

namespace beckon::actors {

/// The first join waits until the hub has told who is in the group elsewhere: then its `ok` has the
/// whole roster.
void group::open(const join_group& j) {
  must_not_fail or_it_is_not_counted;
  if (waiting_.empty())
    send(shared_.hub, open_group{name_, caf::actor_cast<caf::actor>(this)});
  waiting_.push_back(j);
}

void group::opened(const far_members& all) {
  open_ = true;
  for (auto& f : all.list)
    apply_far(f);
  roster_.flushed(); // nobody has watched yet
  for (auto& j : std::exchange(waiting_, {})) {
    auto joined = survives([&] { join(j); });
    if (!joined)
      refuse_join(j);
  }
}

void group::set_far(const far_member& f) {
  if (!open_)
    return; // the answer to open_group says it, too
  apply_far(f);
  repeat_ban(f);
  if (f.sessions > 0 && policy_ != protocol::session_policy::multi)
    yield_to(f);
  schedule_flush();
}

/// A ban reaches the nodes that had members then; the others hear of it when they let it in.
void group::repeat_ban(const far_member& f) {
  if (f.sessions == 0)
    return;
  if (auto until = bans_.end_of(f.uid, home::current().wall_ms))
    send(shared_.hub, far_removal{name_, f.uid, *until});
}

void group::apply_far(const far_member& f) {
  auto* m = roster_.set_far(f.uid, {f.peer, f.sessions, f.is_bot});
  if (!m || f.meta_stamp <= m->meta_stamp)
    return;
  roster_.set_meta(*m, f.meta, f.meta_stamp);
  if (!m->seats.empty())
    tell_hub(m->uid); // from now on we say so as well
}

/// Where one session may stand for a member, the newest does: both nodes decide alike. A member
/// that had two when `reject` could not know keeps the newest, too.
void group::yield_to(const far_member& f) {
  auto* m = roster_.find(f.uid);
  std::vector<seat> older;
  for (auto* s : m->seats)
    if (std::tie(s->stamp, shared_.name) < std::tie(f.stamp, *f.node))
      older.push_back(*s);
  for (auto& old : older)
    evict(old, protocol::left_reason::replaced);
  if (host_)
    host_->tell_changes();
  retire_if_empty();
}

void group::lose(const peer_lost& lost) {
  roster_.lose(lost.peer);
  schedule_flush();
}

void group::tell_gap(const far_gap& g) {
  auto& lists = audiences_.of(audience_kind::publications);
  for (std::size_t i = 0; i < lists.size(); ++i)
    if (lists[i])
      send(shared_.homes[i]->relay_handle, fanout{.what = {},
                                                  .to = lists[i],
                                                  .skip = {},
                                                  .group = name_json_,
                                                  .from = {},
                                                  .lost = g.lost});
}

void group::tell_hub(std::string_view uid) {
  if (!shared_.hub)
    return;
  near_member n{.group = name_, .uid = std::string(uid), .meta = {}};
  if (auto* m = roster_.find(uid); m && !m->seats.empty()) {
    n.sessions = m->seats.size();
    n.stamp = m->stamp;
    n.is_bot = m->bots > 0;
    n.meta = m->meta;
    n.meta_stamp = m->meta_stamp;
  }
  send(shared_.hub, std::move(n));
}

std::uint64_t group::stamp() {
  return shared_.hub ? shared_.clock.stamp(home::current().wall_ms) : 0;
}

} // namespace beckon::actors
