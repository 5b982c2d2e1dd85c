#include "actors/users.hpp"

#include "actors/handovers.hpp"
#include "actors/home.hpp"
#include "actors/surviving.hpp"

#include <algorithm>

namespace beckon::actors {

/// What a session takes here, the first of its user.
static constexpr std::size_t entry_bytes = 2 * 1024;

users::users(caf::actor_config& config, node_state& shared)
    : caf::event_based_actor(config), shared_(shared) {
  set_down_handler([this](caf::down_msg& down) { survives([&] { forget(down.source.id()); }); });
}

caf::behavior users::make_behavior() {
  return {
      surviving(
          [this](route& r) { return deliver(r), unanswered{}; },
          [this](route& r) { handovers(shared_, r).settle_all(protocol::outcome::overloaded); }),
      surviving([this](enroll_session& e) { enroll(e); },
                [this](enroll_session& e) { refuse(e.where, protocol::code::unavailable); }),
      surviving([this](const far_user& f) { set_far(f); }),
      surviving([this](const peer_lost& lost) { lose(lost); }),
      surviving([this](const far_checkpoint& c) { pass_on(*this, shared_, c); }),
  };
}

void users::enroll(enroll_session& e) {
  memory_reserve::expect(entry_bytes);
  must_not_fail from_here;
  auto& own = by_user_[e.user];
  auto most = shared_.bounds.connections_per_user_max;
  if (most && own.size() >= most)
    return refuse(e.where, protocol::code::too_many);
  auto where = e.where;
  monitor(e.session);
  own.push_back(e.session.id());
  tell_hub(e.user, own.size());
  by_name_.emplace(e.name, e.session.id());
  sessions_.emplace(e.session.id(), entry{e.where, std::move(e.user), std::move(e.name)});
  group_reply r;
  r.what = group_reply::kind::enrolled;
  r.to = where;
  send(shared_.homes[where.home]->relay_handle, std::move(r));
}

void users::refuse(const session_address& who, protocol::code why) {
  group_reply r;
  r.what = group_reply::kind::refused;
  r.to = who;
  r.why = why;
  send(shared_.homes[who.home]->relay_handle, std::move(r));
}

void users::deliver(route& r) {
  if (r.by == addressing::session)
    return deliver_to_session(r);
  handovers out(shared_, r);
  auto near = by_user_.find(r.to.first);
  auto far = r.from_far ? far_.end() : far_.find(r.to.first);
  auto near_sessions = near == by_user_.end() ? 0 : near->second.size();
  auto sessions = near_sessions + (far == far_.end() ? 0 : far->second.size());
  if (sessions == 0)
    out.settle(0, protocol::outcome::offline);
  if (near != by_user_.end())
    for (auto id : near->second)
      out.add(sessions_.at(id).where, 0, sessions);
  if (far != far_.end())
    for (auto peer : far->second)
      out.add_far(peer, 0, sessions);
  out.send(*this);
}

/// One of another node goes by the way of its user's messages, from here to the hub.
void users::deliver_to_session(route& r) {
  auto node = node_state::node_of_session(r.to.first);
  if (node != shared_.name && shared_.hub && !r.from_far)
    return send(shared_.hub,
                far_route{.node = std::string(node), .what = std::move(r), .recipients = {{}}});
  handovers out(shared_, r);
  if (auto found = by_name_.find(r.to.first); found != by_name_.end())
    out.add(sessions_.at(found->second).where, 0, 1);
  else
    out.settle(0, protocol::outcome::offline);
  out.send(*this);
}

void users::tell_hub(const std::string& user, std::size_t sessions) {
  if (shared_.hub)
    send(shared_.hub, near_user{user, sessions});
}

// ---- what other nodes say ----

void users::set_far(const far_user& f) {
  if (f.sessions == 0) {
    auto found = far_.find(f.user);
    if (found != far_.end() && std::erase(found->second, f.peer) > 0 && found->second.empty())
      far_.erase(found);
    return;
  }
  auto& peers = far_[f.user];
  if (std::find(peers.begin(), peers.end(), f.peer) == peers.end())
    peers.push_back(f.peer);
}

void users::lose(const peer_lost& lost) {
  for (auto user = far_.begin(); user != far_.end();) {
    std::erase(user->second, lost.peer);
    user = user->second.empty() ? far_.erase(user) : std::next(user);
  }
}

void users::forget(caf::actor_id session) {
  auto found = sessions_.find(session);
  if (found == sessions_.end())
    return;
  auto own = by_user_.find(found->second.user);
  std::erase(own->second, session);
  tell_hub(found->second.user, own->second.size());
  if (own->second.empty())
    by_user_.erase(own);
  by_name_.erase(found->second.name);
  sessions_.erase(found);
}

} // namespace beckon::actors
