#include "actors/users.hpp"

#include "actors/handovers.hpp"
#include "actors/home.hpp"

namespace beckon::actors {

users::users(caf::actor_config& config, node_state& shared)
    : caf::event_based_actor(config), shared_(shared) {
  set_down_handler([this](caf::down_msg& down) { forget(down.source.id()); });
}

caf::behavior users::make_behavior() {
  return {
      [this](route& r) { return deliver(r), unanswered{}; },
      [this](enroll_session& e) { enroll(e); },
  };
}

void users::enroll(enroll_session& e) {
  auto& own = by_user_[e.user];
  group_reply r;
  r.to = e.where;
  auto most = shared_.bounds.connections_per_user_max;
  if (most && own.size() >= most) {
    r.what = group_reply::kind::refused;
    r.why = protocol::code::too_many;
  } else {
    r.what = group_reply::kind::enrolled;
    monitor(e.session);
    own.push_back(e.session.id());
    by_name_.emplace(e.name, e.session.id());
    sessions_.emplace(e.session.id(), entry{e.where, std::move(e.user), std::move(e.name)});
  }
  auto& relay = shared_.homes[r.to.home]->relay_handle;
  send(relay, std::move(r));
}

void users::deliver(route& r) {
  handovers out(shared_, r);
  if (r.by == addressing::session) {
    if (auto found = by_name_.find(r.to.first); found != by_name_.end())
      out.add(sessions_.at(found->second).where, 0, 1);
    else
      out.offline(0);
  } else if (auto found = by_user_.find(r.to.first); found != by_user_.end()) {
    for (auto id : found->second)
      out.add(sessions_.at(id).where, 0, found->second.size());
  } else {
    out.offline(0);
  }
  out.send(*this);
}

void users::forget(caf::actor_id session) {
  auto found = sessions_.find(session);
  if (found == sessions_.end())
    return;
  auto own = by_user_.find(found->second.user);
  std::erase(own->second, session);
  if (own->second.empty())
    by_user_.erase(own);
  by_name_.erase(found->second.name);
  sessions_.erase(found);
}

} // namespace beckon::actors
