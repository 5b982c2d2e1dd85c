#include "actors/group.hpp"

#include "actors/handovers.hpp"
#include "actors/home.hpp"
#include "actors/surviving.hpp"
#include "protocol/json.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {
namespace {

std::shared_ptr<const std::string> quoted_name(std::string_view name) {
  std::string json;
  protocol::append_quoted(json, name);
  return std::make_shared<const std::string>(std::move(json));
}

} // namespace

group::group(caf::actor_config& config, node_state& shared, std::string name,
             caf::actor_addr directory)
    : caf::event_based_actor(config), shared_(shared), name_(std::move(name)),
      name_json_(quoted_name(name_)), epoch_(std::to_string(shared.incarnations.fetch_add(1))),
      policy_(protocol::policy_for(shared.policies, name_)), directory_(std::move(directory)),
      roster_(policy_), audiences_(shared.homes.size()), open_(!shared.hub) {
  set_down_handler([this](caf::down_msg& down) { survives([&] { forget(down.source); }); });
  set_exception_handler([this](std::exception_ptr& trouble) { return fail(trouble); });
}

caf::behavior group::make_behavior() {
  choose_behaviour();
  return own_handlers();
}

// ---- routes ----

void group::deliver(route& r) {
  settled_recipients settled;
  if (host_ && !r.from_far && !host_->lets_pass(r, current_sender_id(), settled))
    return;
  hand_out(r, settled);
}

/// @param settled of those recipients of whom the behaviour has decided
void group::hand_out(route& r, const settled_recipients& settled) {
  handovers out(shared_, r, name_);
  for (std::size_t i = 0; i < r.to.size(); ++i) {
    if (i < settled.size() && settled[i]) {
      out.settle(i, *settled[i]);
      continue;
    }
    auto* recipient = roster_.find(r.to[i]);
    auto sessions = recipient ? recipient->seats.size() : 0;
    if (recipient && !r.from_far)
      sessions += recipient->far.size();
    if (sessions == 0) {
      out.settle(i, protocol::outcome::offline);
      continue;
    }
    for (auto* s : recipient->seats)
      out.add(s->where, i, sessions);
    if (!r.from_far)
      for (auto& other : recipient->far)
        out.add_far(other.peer, i, sessions);
  }
  out.send(*this);
}

void group::publish(publication& p) {
  if (!host_ || p.from_far || host_->lets_pass(p, current_sender_id()))
    publish_to_all(p);
}

void group::publish_to_all(publication& p) {
  auto skip = left_out(p);
  auto& lists = audiences_.of(audience_kind::publications);
  auto peers = p.from_far ? 0 : roster_.peers().size();
  must_not_fail between_two_of_them;
  auto parts = static_cast<std::uint32_t>(
      peers + static_cast<std::size_t>(std::count_if(
                  lists.begin(), lists.end(), [](const audience& a) { return a != nullptr; })));
  if (parts == 0 && p.ticket)
    home::current().settle({.to = p.from, .ticket = p.ticket, .what = settlement::kind::counted});
  for (std::size_t i = 0; i < lists.size(); ++i)
    if (lists[i])
      send(shared_.homes[i]->relay_handle,
           fanout{p.what, lists[i], std::move(skip[i]), name_json_, p.from, p.ticket, parts});
  if (peers == 0)
    return;
  far_publication out{.what = std::move(p), .group = name_, .peers = {}, .parts = parts};
  for (auto& [peer, members] : roster_.peers())
    out.peers.push_back(peer);
  send(shared_.hub, std::move(out));
}

/// The sessions that do not get a publication, by home: each once, so that a name which stands
/// there 256 times costs no more than one. Its `except` is sorted.
group::seats_by_home group::left_out(publication& p) const {
  seats_by_home skip(shared_.homes.size());
  auto add = [&](const session_address& s) { skip[s.home].push_back({s.slot, s.generation}); };
  if (!p.echo && p.from.home < skip.size()) // not of another node's
    add(p.from);
  std::sort(p.except.begin(), p.except.end());
  p.except.erase(std::unique(p.except.begin(), p.except.end()), p.except.end());
  for (auto& uid : p.except)
    if (auto* m = roster_.find(uid))
      for (auto* s : m->seats)
        add(s->where);
  for (auto& list : skip)
    std::sort(list.begin(), list.end()); // as fanout wants it
  return skip;
}

// ---- membership ----

/// What a join or an update may take: its meta here, in the window of presence and in frames, and
/// the roster that it is answered with.
static std::size_t answer_bytes(const std::optional<std::string>& meta,
                                std::optional<protocol::presence_mode> shows) {
  static constexpr std::size_t seat_bytes = 4 * 1024;
  static constexpr std::size_t meta_copies = 4;
  auto bytes = seat_bytes + (meta ? meta_copies * meta->size() : 0);
  if (shows == protocol::presence_mode::full)
    bytes += 2 * protocol::roster_frame_bytes_max;
  return bytes;
}

void group::join(join_group& j) {
  if (!open_)
    return open(j);
  ++joins_;
  memory_reserve::expect(answer_bytes(j.meta, j.presence));
  must_not_fail from_here;
  auto session = j.session.id();
  if (auto* own = roster_.find(session); own && own->of->uid != j.uid) {
    // Under another name it has given up its join, which came all the same: the last one counts.
    demonitor(own->actor);
    unseat(session);
  }
  auto is_new = !roster_.find(session);
  if (is_new && !admit(j)) {
    if (host_)
      host_->tell_changes();
    retire_if_empty(); // a refused join is no reason to stay
    return;
  }
  auto& s = *roster_.find(session);
  apply(s, j.meta, j.presence, j.interest);
  tell_hub(j.uid);
  auto r = reply_to(j.where, j.question, group_reply::kind::joined);
  r.version = version_;
  r.epoch = epoch_;
  r.body = joined_body(s);
  r.source = caf::actor_cast<caf::actor>(this);
  reply(std::move(r));
  schedule_flush();
  if (host_ && is_new)
    host_->note_joined(s);
  if (host_)
    host_->tell_changes();
}

/// Seats a session that is not in the group yet.
bool group::admit(join_group& j) {
  if (bans_.end_of(j.uid, home::current().wall_ms)) {
    refuse(j.where, j.question, protocol::code::denied);
    return false;
  }
  if (host_ && !host_->lets_join(j))
    return false;
  auto* m = roster_.find(j.uid); // behind the hook, which may have removed it
  if (m && policy_ == protocol::session_policy::reject) {
    refuse(j.where, j.question, protocol::code::exists);
    return false;
  }
  if (!m && roster_.members() >= shared_.bounds.members_per_group_max) {
    refuse(j.where, j.question, protocol::code::too_many);
    return false;
  }
  std::vector<seat> replaced;
  if (m && policy_ == protocol::session_policy::replace)
    std::transform(m->seats.begin(), m->seats.end(), std::back_inserter(replaced),
                   [](seat* s) { return *s; });
  monitor(j.session);
  auto near = roster_.near_members();
  roster_.add(j.session.id(), j.uid,
              seat{.where = j.where,
                   .actor = j.session.address(),
                   .stamp = stamp(),
                   .user = j.user,
                   .is_bot = j.is_bot});
  if (roster_.near_members() > near)
    home::current().count.members.add();
  for (auto& old : replaced) // after the newcomer: the member never goes
    evict(old, protocol::left_reason::replaced);
  return true;
}

/// Unseats a session, whose client is told why.
void group::evict(const seat& old, protocol::left_reason why) {
  demonitor(old.actor);
  auto where = old.where;
  unseat(old.actor.id());
  auto r = reply_to(where, 0, group_reply::kind::removed);
  r.reason = why;
  reply(std::move(r));
}

void group::update(const update_member& u) {
  auto* s = roster_.find(u.session);
  if (!s)
    return refuse(u.where, u.question, protocol::code::not_member);
  memory_reserve::expect(answer_bytes(u.meta, u.presence));
  must_not_fail from_here;
  apply(*s, u.meta, u.presence, u.interest);
  if (u.meta)
    tell_hub(s->of->uid);
  auto r = reply_to(u.where, u.question, group_reply::kind::updated);
  r.body = "\"version\":" + std::to_string(version_);
  if (u.presence)
    append_view(r.body, *s);
  reply(std::move(r));
  schedule_flush();
}

void group::leave(const leave_group& l) {
  if (auto* s = roster_.find(l.session)) {
    demonitor(s->actor);
    unseat(l.session);
  }
  reply(reply_to(l.where, l.question, group_reply::kind::left));
  if (host_)
    host_->tell_changes();
  retire_if_empty();
}

/// The only clean-up that anything depends on: a session is down, however it ended.
void group::forget(const caf::actor_addr& session) {
  if (!roster_.find(session.id()))
    return; // it left, or was replaced, before it went down
  unseat(session.id());
  if (host_)
    host_->tell_changes();
  retire_if_empty();
}

void group::unseat(caf::actor_id session) {
  auto& leaving = *roster_.find(session);
  if (host_)
    host_->note_left(leaving);
  auto uid = leaving.of->uid;
  auto near = roster_.near_members();
  audiences_.remove(leaving);
  roster_.remove(session);
  if (roster_.near_members() < near)
    home::current().count.members.sub();
  tell_hub(uid);
  schedule_flush();
}

void group::apply(seat& s, const std::optional<std::string>& meta,
                  const std::optional<protocol::presence_mode>& presence,
                  const std::optional<protocol::interest_level>& interest) {
  if (meta)
    roster_.set_meta(*s.of, *meta, stamp());
  s.presence = presence.value_or(s.presence);
  s.interest = interest.value_or(s.interest);
  audiences_.update(s);
}

// ---- answers ----

group_reply group::reply_to(const session_address& who, std::uint64_t question,
                            group_reply::kind what) const {
  group_reply r;
  r.what = what;
  r.to = who;
  r.question = question;
  r.group = name_;
  return r;
}

void group::reply(group_reply r) {
  auto& relay = shared_.homes[r.to.home]->relay_handle;
  send(relay, std::move(r));
}

void group::refuse(const session_address& who, std::uint64_t question, protocol::code why) {
  auto r = reply_to(who, question, group_reply::kind::refused);
  r.why = why;
  reply(std::move(r));
}

// ---- end ----

void group::retire_if_empty() {
  if (roster_.empty() && bans_.empty() && !(host_ && host_->stays()))
    if (auto directory = caf::actor_cast<caf::actor>(directory_))
      send(directory, retire_group{name_, joins_});
}

} // namespace beckon::actors
