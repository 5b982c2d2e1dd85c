#include "actors/hub.hpp"

#include "actors/home.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

hub::hub(caf::actor_config& config, node_state& shared, links& ways, hub_options options,
         std::function<void(const cluster_event&)> told)
    : caf::event_based_actor(config), shared_(shared), ways_(ways), options_(options),
      told_(std::move(told)) {
  set_down_handler([this](caf::down_msg& down) { close(down.source); });
}

caf::behavior hub::make_behavior() {
  show();
  delayed_send(this, options_.heartbeat, beat{});
  return {
      [this](std::string& batch) { return receive(batch), unanswered{}; },
      [this](far_route& f) { return send_far(f), unanswered{}; },
      [this](far_publication& f) { return publish_far(f), unanswered{}; },
      [this](settlements& list) { settle_served(list); },
      [this](answer& a) { answer_served(a); },
      [this](flush_links) { flush(); },
      [this](near_member& m) { note(m); },
      [this](near_user& u) { note(u); },
      [this](const open_group& o) { open(o); },
      [this](const link_up& l) { meet(l); },
      [this](const link_down& l) { part(l); },
      [this](beat) { heartbeat(); },
      [this](leave_cluster) { leave(); },
  };
}

// ---- links
// --------------------------------------------------------------------------------------------------------

void hub::meet(const link_up& l) {
  if (auto* old = named(l.peer))
    lose(old->id, "another link took its place");
  auto id = ++last_peer_;
  auto& p = peers_.try_emplace(id, id, l, options_.window_bytes, home::current().now).first->second;
  for (auto& [group, entry] : groups_)
    for (auto& [uid, value] : entry.near)
      p.untold.emplace(group, uid);
  for (auto& [user, sessions] : users_)
    p.untold.emplace(std::string{}, user);
  report(cluster_event::kind::up, p);
  show();
  flush_soon();
  // What it said before we heard of the link.
  auto came = std::exchange(early_, {});
  early_bytes_ = 0;
  for (auto& e : came) {
    if (e.from == l.hub.address() && peers_.contains(id))
      take_batch(p, e.batch);
    else
      keep_early(e.from, e.batch);
  }
}

void hub::part(const link_down& l) {
  for (auto& [id, p] : peers_)
    if (p.link == l.link)
      return lose(id, l.why);
}

/// The only clean-up that anything depends on: the link has ended, however it did.
void hub::lose(peer_id id, std::string_view why) {
  auto lost = peers_.extract(id);
  if (lost.empty())
    return;
  if (lost_.size() < lost_max || lost_.contains(*lost.mapped().name))
    lost_[*lost.mapped().name] = why;
  settle_lost(lost.mapped());
  forget_roster(id);
  report(cluster_event::kind::down, lost.mapped(), why);
  show();
}

/// Nobody knows what became of what it had not answered.
void hub::settle_lost(const peer& p) {
  for (auto& [number, a] : p.awaits) {
    if (a.what == ticket::kind::publish)
      settle_count(a, 0);
    else if (a.what == ticket::kind::request)
      settle_gone(a);
    else
      for (std::size_t i = 0; i < a.recipients.size(); ++i)
        settle(a, i, protocol::outcome::unknown);
  }
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
  for (auto& shard : shared_.users)
    send(shard, peer_lost{lost});
}

void hub::heartbeat() {
  delayed_send(this, options_.heartbeat, beat{});
  auto now = home::current().now;
  // After a stop of this process everybody seems silent: what they said lies in the sockets.
  auto away = last_beat_ != steady_time{} && now - last_beat_ >= options_.timeout;
  last_beat_ = now;
  std::vector<peer_id> silent;
  for (auto& [id, p] : peers_) {
    if (away)
      p.heard = now;
    if (now - p.heard >= options_.timeout) {
      silent.push_back(id);
      continue;
    }
    expire(p, now);
    p.say(protocol::credit_record{std::exchange(p.unacknowledged, 0)});
    p.say(protocol::ping_record{static_cast<std::uint64_t>(now.time_since_epoch().count())});
  }
  for (auto id : silent) {
    ways_.drop(find(id)->link, "silent");
    lose(id, "silent");
  }
  auto kept = std::exchange(early_, {});
  early_bytes_ = 0;
  for (auto& e : kept)
    if (now - e.since < options_.timeout) {
      early_bytes_ += e.batch.size();
      early_.push_back(std::move(e));
    }
  flush();
  show();
}

/// What took too long: there, and what it asked of us.
void hub::expire(peer& p, steady_time now) {
  for (auto entry = p.awaits.begin(); entry != p.awaits.end();) {
    auto& a = entry->second;
    if (now < a.expires) {
      ++entry;
      continue;
    }
    if (a.what == ticket::kind::send)
      for (std::size_t i = 0; i < a.recipients.size(); ++i)
        settle(a, i, protocol::outcome::unknown);
    entry = p.awaits.erase(entry);
  }
  for (ticket t; p.serves.take_expired(now, t);) {
    if (t.what == ticket::kind::request)
      continue; // its caller was told `timeout`
    for (auto& progress : t.recipients_progress)
      if (!progress.settled)
        progress.result = protocol::outcome::expired;
    complete(p, t);
  }
}

void hub::leave() {
  for (auto& [id, p] : peers_)
    p.say(protocol::goodbye_record{});
  flush();
}

// ---- what goes out
// ------------------------------------------------------------------------------------------------

/// Behind everything that is in the mailbox now, so that it leaves together.
void hub::flush_soon() {
  if (!std::exchange(flushing_, true))
    send(this, flush_links{});
}

void hub::flush() {
  flushing_ = false;
  for (auto& [id, p] : peers_)
    flush(p);
}

void hub::flush(peer& p) {
  tell_roster(p);
  for (auto lost = p.lost.begin(); lost != p.lost.end() && p.has_room(0); lost = p.lost.erase(lost))
    p.say(protocol::gap_record{lost->first, lost->second});
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
      }
    say(p, r);
  }
  if (p.untold.empty() && !std::exchange(p.told_all, true))
    say(p, protocol::synced_record{});
}

void hub::send_batch(peer& p) {
  send(p.hub, p.take_batch());
}

// ---- this node's own
// ----------------------------------------------------------------------------------------------

void hub::open(const open_group& o) {
  auto& entry = groups_[o.group];
  if (entry.local)
    close(caf::actor_addr(entry.local)); // it has failed, and its directory knew first
  auto& opened = groups_[o.group];
  opened.local = o.actor.address();
  names_.emplace(o.actor.id(), o.group);
  monitor(o.actor);
  far_members all;
  for (auto& [uid, values] : opened.far)
    for (auto& v : values)
      all.list.push_back(far_of(uid, v));
  send(o.actor, std::move(all));
}

/// A group has ended. A polite end leaves nobody; after a failure nobody is left either.
void hub::close(const caf::actor_addr& group) {
  auto found = names_.find(group.id());
  if (found == names_.end())
    return;
  auto name = std::move(found->second);
  names_.erase(found);
  auto entry = groups_.find(name);
  if (entry == groups_.end() || entry->second.local != group)
    return;
  entry->second.local = {};
  for (auto& [uid, value] : std::exchange(entry->second.near, {})) {
    --members_;
    tell_all(name, uid);
  }
  forget_if_empty(entry);
}

void hub::note(near_member& m) {
  auto entry = groups_.find(m.group);
  if (entry == groups_.end() || entry->second.local != current_sender())
    return; // of a group that has failed meanwhile
  auto& near = entry->second.near;
  auto known = near.find(m.uid);
  tell_all(m.group, m.uid);
  if (m.sessions == 0 && known != near.end()) {
    near.erase(known);
    --members_;
  } else if (m.sessions > 0 && known != near.end()) {
    known->second = std::move(m);
  } else if (m.sessions > 0) {
    near.emplace(m.uid, std::move(m));
    ++members_;
  }
}

void hub::note(near_user& u) {
  tell_all({}, u.user);
  if (u.sessions > 0)
    users_[std::move(u.user)] = u.sessions;
  else
    users_.erase(u.user);
}

/// Every peer hears what becomes of the member (or user), however often it changes until then.
void hub::tell_all(const std::string& group, const std::string& uid) {
  if (peers_.empty())
    return;
  for (auto& [id, p] : peers_)
    p.untold.emplace(group, uid);
  flush_soon();
}

void hub::send_far(far_route& f) {
  auto* p = f.peer ? find(f.peer) : named(f.node);
  if (!p)
    return refuse_far(f, protocol::outcome::offline);
  auto& r = f.what;
  protocol::route_record out{.by = static_cast<std::uint64_t>(r.by),
                             .group = r.group,
                             .to = {},
                             .is_request = r.is_request,
                             .confirm = static_cast<std::uint64_t>(r.confirm),
                             .number = r.number,
                             .ttl_ms = static_cast<std::uint64_t>(r.ttl.count()),
                             .text = r.what.text.payload(),
                             .binary = {}};
  if (r.what.binary)
    out.binary = r.what.binary.payload();
  auto bytes = out.text.size() + out.binary.size() + out.group.size();
  for (std::size_t i = 0; i < r.to.size(); ++i) {
    out.to.emplace_back(r.to[i]);
    bytes += r.to[i].size();
  }
  if (!p->has_room(bytes))
    return refuse_far(f, protocol::outcome::overloaded);
  if (r.ticket) {
    auto at_level = r.confirm == protocol::confirm_level::queued && !r.is_request
                        ? std::chrono::milliseconds(count_max)
                        : r.ttl + std::chrono::milliseconds(receipt_grace);
    out.id = p->open({.from = r.from,
                      .ticket = r.ticket,
                      .what = r.is_request ? ticket::kind::request : ticket::kind::send,
                      .recipients = std::move(f.recipients),
                      .expires = home::current().now + at_level});
  }
  say(*p, out);
}

/// It does not leave this node.
void hub::refuse_far(const far_route& f, protocol::outcome result) {
  auto kind = f.what.is_request ? message_kind::request : message_kind::send;
  awaited a{
      .from = f.what.from, .ticket = f.what.ticket, .recipients = f.recipients, .expires = {}};
  for (std::size_t i = 0; i < f.recipients.size(); ++i) {
    home::current().count.message(kind, result);
    if (a.ticket)
      settle(a, i, result);
  }
}

void hub::publish_far(far_publication& f) {
  auto& from = f.what;
  protocol::publication_record out{
      .group = f.group, .except = {}, .text = from.what.text.payload(), .binary = {}};
  out.except.assign(from.except.begin(), from.except.end());
  if (from.what.binary)
    out.binary = from.what.binary.payload();
  for (auto id : f.peers) {
    awaited a{.from = from.from,
              .ticket = from.ticket,
              .what = ticket::kind::publish,
              .recipients = {},
              .parts = f.parts,
              .expires = home::current().now + count_max};
    auto* p = find(id);
    if (p && p->has_room(out.text.size() + out.binary.size())) {
      out.id = from.ticket ? p->open(std::move(a)) : 0;
      say(*p, out);
      continue;
    }
    if (p)
      ++p->lost[f.group];
    if (from.ticket)
      settle_count(a, 0);
  }
}

// ---- what other nodes asked
// ---------------------------------------------------------------------------------------

/// Where the sessions of this node settle what the peer asked of them.
session_address hub::place_of(const peer& p) const {
  return {p.id, 1, static_cast<std::uint16_t>(shared_.homes.size())};
}

void hub::settle_served(const settlements& list) {
  for (auto& s : list) {
    auto* p = find(s.to.slot);
    ticket settled;
    if (p && p->serves.settle(s, settled))
      complete(*p, settled);
  }
}

void hub::complete(peer& p, const ticket& t) {
  if (t.what == ticket::kind::publish)
    return say(p, protocol::count_record{t.id, t.count});
  protocol::receipt_record r{.id = t.id, .gone = t.callee_gone, .others = {}};
  for (std::size_t i = 0; i < t.recipients_progress.size(); ++i)
    if (auto what = t.recipients_progress[i].result; what != protocol::outcome::delivered)
      r.others.push_back({i, what});
  say(p, r);
}

void hub::answer_served(const answer& a) {
  auto* p = find(a.to.slot);
  ticket asked;
  if (!p || !p->serves.take(a.ticket, asked))
    return; // another session was first, or the caller waits no more
  say(*p,
      protocol::answer_record{asked.id, a.from, a.data, a.opaque, a.error_code, a.error_message});
}

// ---- for operators
// ------------------------------------------------------------------------------------------------

void hub::show() {
  auto view = std::make_shared<cluster_view>();
  view->members = members_;
  for (auto& [id, p] : peers_) {
    auto state = p.synced ? peer_view::link::up : peer_view::link::syncing;
    auto lost = lost_.find(*p.name);
    view->peers.push_back({*p.name, state, p.incarnation, p.members, p.lag, p.in_flight(),
                           p.window(), lost == lost_.end() ? std::string{} : lost->second});
  }
  for (auto& [name, why] : lost_)
    if (!named(name))
      view->peers.push_back({.name = name, .last_error = why});
  shared_.cluster.store(std::move(view));
}

void hub::report(cluster_event::kind what, const peer& p, std::string_view why) {
  if (told_)
    told_({what, *p.name, p.incarnation, p.members, why});
}

} // namespace beckon::actors
