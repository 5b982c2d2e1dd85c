#include "actors/hub.hpp"

#include "actors/home.hpp"
#include "actors/surviving.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

hub::hub(caf::actor_config& config, node_state& shared, links& ways, hub_options options,
         std::function<void(const cluster_event&)> told)
    : caf::event_based_actor(config), shared_(shared), ways_(ways), options_(options),
      told_(std::move(told)), early_(2 * options.window_bytes) {
  set_down_handler([this](caf::down_msg& down) { survives([&] { close(down.source); }); });
}

caf::behavior hub::make_behavior() {
  show();
  delayed_send(this, options_.heartbeat, beat{});
  return {
      surviving([this](std::string& batch) { return receive(batch), unanswered{}; },
                [this](std::string&) { lose_sender(); }),
      surviving([this](far_route& f) { return send_far(f), unanswered{}; },
                [this](far_route& f) { refuse_far(f, protocol::outcome::overloaded); }),
      surviving([this](far_publication& f) { return publish_far(f), unanswered{}; }),
      surviving([this](const far_removal& f) { remove_far(f); }),
      surviving([this](const far_unban& f) { unban_far(f); }),
      surviving([this](settlements& list) { settle_served(list); }),
      surviving([this](answer& a) { answer_served(a); }),
      surviving([this](flush_links) { flush(); }),
      surviving([this](near_member& m) { note(m); }),
      surviving([this](near_user& u) { note(u); }),
      surviving([this](const open_group& o) { open(o); }),
      surviving([this](const link_up& l) { meet(l); }),
      surviving([this](const link_down& l) { part(l); }),
      surviving([this](beat) { heartbeat(); }),
      surviving([this](expire_more more) { expire_more_of(more.peer); }),
      surviving([this](leave_cluster) { leave(); }),
  };
}

// ---- links ----

void hub::meet(const link_up& l) {
  auto early = early_.take(l.hub.address(), l.epoch);
  if (early.lost)
    return ways_.drop(l.link, "said too much before its link stood");
  if (auto* old = named(l.peer))
    lose(old->id, "another link took its place");
  auto id = ++last_peer_;
  auto& p = peers_.try_emplace(id, id, l, options_.window_bytes, home::current().now).first->second;
  if (auto before = lost_.find(l.peer); before != lost_.end())
    p.traffic = before->second.traffic;
  for (auto& [group, entry] : groups_)
    for (auto& [uid, value] : entry.near)
      p.untold.emplace(group, uid);
  for (auto& [user, sessions] : users_)
    p.untold.emplace(std::string{}, user);
  show();
  flush_soon();
  for (auto& batch : early.batches)
    if (peers_.contains(id)) // it may say goodbye
      take_batch(p, batch);
}

void hub::part(const link_down& l) {
  for (auto& [id, p] : peers_)
    if (p.link == l.link)
      return lose(id, l.why);
}

/// There was no memory for what it said: what we know of it is not the truth any more.
void hub::lose_sender() {
  for (auto& [id, p] : peers_)
    if (p.hub.address() == current_sender()) {
      ways_.drop(p.link, "no memory for what it said");
      return lose(id, "no memory for what it said");
    }
}

/// The only clean-up that anything depends on: the link has ended, however it did.
void hub::lose(peer_id id, std::string_view why) {
  auto lost = peers_.extract(id);
  if (lost.empty())
    return;
  if (lost_.size() < lost_max || lost_.contains(*lost.mapped().name))
    lost_[*lost.mapped().name] = {std::string(why), lost.mapped().traffic};
  settle_lost(lost.mapped());
  forget_roster(id);
  report(cluster_event::kind::down, lost.mapped(), why);
  show();
}

/// Nobody knows what became of what it had not answered.
void hub::settle_lost(peer& p) {
  for (awaited a; !p.awaits.empty() && p.awaits.take(p.awaits.first(), a);) {
    if (a.what == ticket::kind::publish)
      settle_count(a, 0);
    else if (a.what == ticket::kind::request)
      settle_gone(a);
    else
      settle_unknown(a);
  }
}

void hub::settle_unknown(const awaited& a) {
  home::current().count.message(message_kind::send, protocol::outcome::unknown,
                                a.recipients.size());
  for (std::size_t i = 0; i < a.recipients.size(); ++i)
    settle(a, i, protocol::outcome::unknown);
}

void hub::forget_roster(peer_id lost) {
  for (auto entry = groups_.begin(); entry != groups_.end();) {
    auto here = entry++; // it may go
    auto& far = here->second.far;
    auto was_in = false;
    for (auto member = far.begin(); member != far.end();) {
      auto& values = member->second;
      was_in |= std::erase_if(values, [&](auto& v) { return v.peer == lost; }) > 0;
      member = values.empty() ? far.erase(member) : std::next(member);
    }
    if (auto local = here->second.actor(); was_in && local)
      send(local, peer_lost{lost});
    forget_if_empty(here);
  }
  forget_users(lost);
  for (auto& shard : shared_.users)
    send(shard, peer_lost{lost});
}

void hub::heartbeat() {
  delayed_send(this, options_.heartbeat, beat{});
  auto now = home::current().now;
  // After a stop of this process everybody seems silent: what they said lies in the sockets.
  auto away = last_beat_ != steady_time{} && now - last_beat_ >= options_.timeout;
  last_beat_ = now;
  if (away)
    early_.hear_all(now);
  early_.forget_silent(now - options_.timeout);
  forget_gone_users();
  std::vector<peer_id> silent;
  for (auto& [id, p] : peers_) {
    if (away)
      p.heard = now;
    if (now - p.heard >= options_.timeout) {
      silent.push_back(id);
      continue;
    }
    expire(p, now);
    p.long_gone = std::exchange(p.gone, {});
    set_checkpoints(p);
    acknowledge(p, 0);
    p.pinged = static_cast<std::uint64_t>(now.time_since_epoch().count());
    put(p, protocol::ping_record{p.pinged});
  }
  for (auto id : silent) {
    ways_.drop(find(id)->link, "silent");
    lose(id, "silent");
  }
  flush();
  show();
}

/// What took too long: there, and what it asked of us. So much at a time that others wait for.
void hub::expire(peer& p, steady_time now) {
  auto most = expired_max;
  for (awaited a; most > 0; --most) {
    auto* due = p.awaits.due(now);
    if (!due)
      break;
    p.awaits.take(*due, a);
    if (a.what == ticket::kind::send)
      settle_unknown(a);
  }
  ticket t;
  for (; most > 0; --most) {
    auto number = p.serves.take_expired(now, t);
    if (number == 0)
      break;
    if (t.id == 0)
      pass_checkpoint(p, number);
    if (t.id == 0 || t.what == ticket::kind::request)
      continue; // whose caller was told `timeout`
    for (auto& progress : t.recipients_progress)
      if (!progress.settled)
        progress.result = protocol::outcome::expired;
    complete(p, t);
  }
  if (most == 0)
    send(this, expire_more{p.id});
}

void hub::expire_more_of(peer_id id) {
  if (auto* p = find(id))
    expire(*p, home::current().now);
}

void hub::leave() {
  for (auto& [id, p] : peers_)
    put(p, protocol::goodbye_record{});
  flush();
}

// ---- what goes out ----

/// Behind everything that is in the mailbox now, so that it leaves together.
void hub::flush_soon() {
  if (!std::exchange(flushing_, true))
    send(this, flush_links{});
}

void hub::flush() {
  flushing_ = false;
  for (auto& [id, p] : peers_)
    flush(p);
  cut_unread();
}

void hub::flush(peer& p) {
  tell_roster(p);
  for (auto lost = p.lost.begin(); lost != p.lost.end() && p.has_room(0); lost = p.lost.erase(lost))
    put(p, protocol::gap_record{lost->first, lost->second});
  if (p.wants_to_send())
    send_batch(p);
}

void hub::tell_roster(peer& p) {
  while (!p.untold.empty() && p.has_reserve()) {
    auto what = p.untold.extract(p.untold.begin());
    auto& [group, uid] = what.value();
    if (group.empty()) {
      auto own = users_.find(uid);
      say(p, protocol::user_record{uid, own == users_.end() ? 0 : own->second});
      continue;
    }
    protocol::member_record r{.group = group, .uid = uid, .meta = {}};
    if (auto entry = groups_.find(group); entry != groups_.end())
      if (auto own = entry->second.near.find(uid); own != entry->second.near.end()) {
        r.sessions = own->second.sessions;
        r.stamp = own->second.stamp;
        r.meta = own->second.meta;
        r.meta_stamp = own->second.meta_stamp;
        r.is_bot = own->second.is_bot;
      }
    say(p, r);
  }
  if (p.untold.empty() && !std::exchange(p.told_all, true))
    say(p, protocol::synced_record{});
}

void hub::send_batch(peer& p) {
  must_not_fail or_the_peer_misses_it;
  send(p.hub, p.take_batch());
}

// ---- for operators ----

void hub::show() {
  auto view = std::make_shared<cluster_view>();
  view->members = members_;
  for (auto& [id, p] : peers_) {
    auto state = p.synced ? peer_view::link::up : peer_view::link::syncing;
    auto lost = lost_.find(*p.name);
    view->peers.push_back({*p.name, state, p.incarnation, p.members, p.lag, p.in_flight(),
                           p.window(), p.credits(), p.traffic,
                           lost == lost_.end() ? std::string{} : lost->second.why});
  }
  for (auto& [name, lost] : lost_)
    if (!named(name))
      view->peers.push_back({.name = name, .traffic = lost.traffic, .last_error = lost.why});
  shared_.cluster.store(std::move(view));
}

void hub::report(cluster_event::kind what, const peer& p, std::string_view why) {
  if (told_)
    told_({what, *p.name, p.members, why});
}

} // namespace beckon::actors
