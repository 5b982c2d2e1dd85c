// What this node's groups, users and sessions tell the hub, and what they have for other nodes.

#include "actors/home.hpp"
#include "actors/hub.hpp"
#include "actors/memory_reserve.hpp"

#include <utility>

namespace beckon::actors {

/// What a record takes beside its texts, and how many copies of those there may be at a time: a
/// batch that grows moves.
static constexpr std::size_t record_bytes = 4 * 1024;
static constexpr std::size_t record_copies = 3;

// ---- this node's own ----

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
  forget_checkpoints(group);
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

namespace {

/// What is too long in two forms goes in the one that the other can be made of.
template <class Record>
void fit(Record& r) {
  if (!r.binary.empty() && r.text.size() + r.binary.size() > protocol::crossing_bytes_max)
    r.text = {};
}

} // namespace

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
  fit(out);
  auto bytes = out.text.size() + out.binary.size() + out.group.size();
  for (std::size_t i = 0; i < r.to.size(); ++i) {
    out.to.emplace_back(r.to[i]);
    bytes += r.to[i].size();
  }
  memory_reserve::expect(record_copies * bytes + record_bytes);
  must_not_fail from_here;
  tell_roster(*p); // who speaks is known there, before what it says
  if (!p->untold.empty() || !p->has_room(bytes))
    return refuse_far(f, protocol::outcome::overloaded);
  out.id = r.ticket ? p->next_id() : 0;
  if (!say(*p, out))
    return refuse_far(f, protocol::outcome::overloaded);
  if (!r.ticket)
    return;
  auto at_level = r.confirm == protocol::confirm_level::queued && !r.is_request
                      ? std::chrono::milliseconds(count_max)
                      : r.ttl + std::chrono::milliseconds(receipt_grace);
  p->awaits.add(out.id, awaited{.from = r.from,
                                .ticket = r.ticket,
                                .what = r.is_request ? ticket::kind::request : ticket::kind::send,
                                .recipients = std::move(f.recipients),
                                .expires = home::current().now + at_level});
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
  fit(out);
  for (auto id : f.peers) {
    awaited a{.from = from.from,
              .ticket = from.ticket,
              .what = ticket::kind::publish,
              .recipients = {},
              .parts = f.parts,
              .expires = home::current().now + count_max};
    auto* p = find(id);
    auto bytes = out.text.size() + out.binary.size();
    out.id = p && from.ticket ? p->next_id() : 0;
    if (p)
      tell_roster(*p);
    if (p && p->untold.empty() && p->has_room(bytes) &&
        memory_reserve::is_spared(record_copies * bytes) && say(*p, out)) {
      if (from.ticket)
        p->awaits.add(out.id, std::move(a));
      continue;
    }
    if (p)
      ++p->lost[f.group];
    if (from.ticket)
      settle_count(a, 0);
  }
}

void hub::remove_far(const far_removal& f) {
  for (auto& [id, p] : peers_)
    say(p, protocol::removal_record{f.group, f.uid, static_cast<std::uint64_t>(f.banned_until)});
}

void hub::unban_far(const far_unban& f) {
  for (auto& [id, p] : peers_)
    say(p, protocol::unban_record{f.group, f.uid});
}

// ---- what other nodes asked ----

/// Where the sessions of this node settle what the peer asked of them.
session_address hub::place_of(const peer& p) const {
  return {p.id, 1, static_cast<std::uint16_t>(shared_.homes.size())};
}

namespace {

/// Instead of an answer that cannot be sent.
protocol::answer_record no_answer(std::uint64_t id, protocol::code why) {
  return {.id = id,
          .from = {},
          .data = {},
          .error_code = protocol::name(why),
          .error_message = protocol::text(why)};
}

} // namespace

void hub::settle_served(const settlements& list) {
  for (auto& s : list) {
    auto* p = find(s.to.slot);
    ticket settled;
    if (!p || !p->serves.settle(s, settled))
      continue;
    if (settled.id == 0)
      pass_checkpoint(*p, s.ticket);
    else
      complete(*p, settled);
  }
}

void hub::complete(peer& p, const ticket& t) {
  if (t.what == ticket::kind::publish) {
    say(p, protocol::count_record{t.id, t.count});
    return;
  }
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
  protocol::answer_record r{asked.id, a.from, a.data, a.opaque, a.error_code, a.error_message};
  if (!p->has_reserve(r.data.size() + r.error_message.size()))
    say(*p, no_answer(asked.id, protocol::code::overloaded));
  else if (!say(*p, r))
    say(*p, no_answer(asked.id, protocol::code::too_large));
}

} // namespace beckon::actors
