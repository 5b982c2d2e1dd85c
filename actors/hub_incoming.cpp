// What another node says: its batches, record by record.

#include "actors/group_api.hpp"
#include "actors/home.hpp"
#include "actors/hub.hpp"
#include "actors/memory_reserve.hpp"
#include "protocol/relayed.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace beckon::actors {

using protocol::code;
using protocol::shared_frame;

namespace {

/// So much is handed on between two checkpoints: where it is for many groups, each has its own.
constexpr std::size_t checkpoint_bytes = 1024 * 1024;
/// Longest wait that a peer may ask of us: that of a client.
constexpr std::uint64_t wait_ms_max = 60'000;
/// More publications lost, or sessions that took one, are not told.
constexpr std::uint64_t number_max = std::numeric_limits<std::uint32_t>::max();

static_assert(protocol::recipients_of_a_record_max <=
                  std::numeric_limits<decltype(handover_target::recipient)>::max(),
              "each recipient of a record has a number in the handovers that become of it");

shared_frame frame_of(protocol::opcode op, std::string_view payload) {
  return shared_frame::make(op, payload.size(),
                            [&](char* out) { std::copy(payload.begin(), payload.end(), out); });
}

protocol::delivery delivery_of(std::string_view text, std::string_view binary) {
  if (binary.empty())
    return {frame_of(protocol::opcode::text, text), {}};
  return {text.empty() ? protocol::text_of(binary) : frame_of(protocol::opcode::text, text),
          frame_of(protocol::opcode::binary, binary)};
}

} // namespace

void hub::receive(std::string& batch) {
  auto from = current_sender();
  if (!from)
    return;
  std::string_view rest = batch;
  auto epoch = protocol::take_epoch(rest);
  for (auto& [id, p] : peers_)
    if (p.epoch == epoch && p.hub.address() == from)
      return take_batch(p, batch);
  must_not_fail or_its_link_misses_it;
  early_.keep(from->address(), epoch, std::move(batch), home::current().now);
}

void hub::take_batch(peer& p, std::string_view batch) {
  auto id = p.id;
  auto rest = batch;
  protocol::take_epoch(rest);
  p.heard = home::current().now;
  p.unacknowledged += batch.size();
  p.traffic.bytes_in += batch.size();
  if (p.dealt_with)
    p.dealt_with->fetch_add(batch.size(), std::memory_order_relaxed);
  trouble wrong;
  for (protocol::raw_record r; wrong.empty() && protocol::take_record(rest, r);) {
    ++p.traffic.records_in;
    record_bytes_ = r.fields.size();
    wrong = take_record(p, r);
    if (!peers_.contains(id))
      return; // it said goodbye
  }
  if (wrong.empty() && !rest.empty())
    wrong = bad_record;
  if (!wrong.empty()) {
    ways_.drop(p.link, wrong);
    return lose(id, wrong);
  }
  if (p.unchecked >= checkpoint_bytes)
    set_checkpoints(p);
  acknowledge(p, credit_bytes);
}

hub::trouble hub::take_record(peer& p, const protocol::raw_record& r) {
  using kind = protocol::record_kind;
  switch (static_cast<kind>(r.kind)) {
  case kind::member:
    return read_and_take<protocol::member_record>(p, r.fields);
  case kind::user:
    return read_and_take<protocol::user_record>(p, r.fields);
  case kind::route:
    return read_and_take<protocol::route_record>(p, r.fields);
  case kind::receipt:
    return read_and_take<protocol::receipt_record>(p, r.fields);
  case kind::answer:
    return read_and_take<protocol::answer_record>(p, r.fields);
  case kind::publication:
    return read_and_take<protocol::publication_record>(p, r.fields);
  case kind::count:
    return read_and_take<protocol::count_record>(p, r.fields);
  case kind::gap:
    return read_and_take<protocol::gap_record>(p, r.fields);
  case kind::credit:
    return read_and_take<protocol::credit_record>(p, r.fields);
  case kind::removal:
    return read_and_take<protocol::removal_record>(p, r.fields);
  case kind::unban:
    return read_and_take<protocol::unban_record>(p, r.fields);
  case kind::ping:
    return read_and_take<protocol::ping_record>(p, r.fields);
  case kind::pong:
    return read_and_take<protocol::pong_record>(p, r.fields);
  case kind::synced:
    if (!std::exchange(p.synced, true)) {
      report(cluster_event::kind::synced, p);
      show();
    }
    return {};
  case kind::goodbye:
    ways_.drop(p.link, "said goodbye");
    lose(p.id, "said goodbye");
    return {};
  }
  return {}; // of a later version
}

template <class Record>
hub::trouble hub::read_and_take(peer& p, std::string_view fields) {
  Record r;
  return protocol::read(fields, r) ? take(p, r) : bad_record;
}

// ---- messages ----

std::uint32_t hub::serve(peer& p, ticket t, std::chrono::milliseconds wait) {
  t.started = home::current().now;
  t.expires = t.started + wait;
  return p.serves.open(std::move(t));
}

hub::trouble hub::take(peer& p, const protocol::route_record& r) {
  if (auto found = judge(p, r); found != standing::good) {
    if (found == standing::forged)
      refuse(p, r, refusal_of(p));
    return found == standing::bad ? bad_record : trouble{};
  }
  auto waits = r.id && (r.is_request || r.confirm > 0);
  if (waits && has_much_to_answer(p)) {
    refuse(p, r, protocol::outcome::overloaded);
    return {};
  }
  route out;
  out.what = delivery_of(r.text, r.binary);
  out.to.first = r.to.front();
  out.to.rest.assign(r.to.begin() + 1, r.to.end());
  out.by = static_cast<addressing>(r.by);
  out.is_request = r.is_request;
  if (r.is_request)
    out.group = r.group;
  out.confirm = static_cast<protocol::confirm_level>(std::min<std::uint64_t>(r.confirm, 2));
  out.from = place_of(p);
  out.number = r.number;
  out.ttl = std::chrono::milliseconds(std::min(r.ttl_ms, wait_ms_max));
  out.from_far = true;
  if (r.id) {
    ticket t;
    t.what = r.is_request ? ticket::kind::request : ticket::kind::send;
    t.id = r.id;
    t.to = out.to;
    t.waits = waits;
    out.ticket = serve(p, std::move(t), waits ? out.ttl : count_max);
  }
  if (auto to = recipient_of(out.by, r.group, out.to.first)) {
    hand_on(p, to);
    send(to, std::move(out));
  } else if (ticket nobody; out.ticket && p.serves.take(out.ticket, nobody)) {
    complete(p, nobody); // its outcomes are `offline` as long as nobody says otherwise
  }
  return {};
}

/// The group's actor, or the shard that knows the user or session. Nothing: nobody here is meant.
caf::actor hub::recipient_of(addressing by, std::string_view group, std::string_view first) const {
  if (by == addressing::user)
    return shared_.users_of(first);
  if (by == addressing::session) {
    auto* shard = shared_.users_of_session(first);
    return shard ? *shard : caf::actor{};
  }
  auto entry = groups_.find(group);
  return entry == groups_.end() ? caf::actor{} : entry->second.actor();
}

hub::trouble hub::take(peer& p, const protocol::publication_record& r) {
  auto found = judge(p, r);
  if (found == standing::bad)
    return bad_record;
  auto to = recipient_of(addressing::member, r.group, {});
  auto counts = r.id && to && found == standing::good;
  if (r.id && !counts)
    say(p, protocol::count_record{r.id, 0});
  if (!to)
    return {};
  if (found == standing::forged) {
    hand_on(p, to);
    send(to, far_gap{1});
    return {};
  }
  publication out;
  out.what = delivery_of(r.text, r.binary);
  out.except.assign(r.except.begin(), r.except.end());
  out.from = place_of(p);
  out.from_far = true;
  if (counts) {
    ticket t;
    t.what = ticket::kind::publish;
    t.id = r.id;
    out.ticket = serve(p, std::move(t), count_max);
  }
  hand_on(p, to);
  send(to, std::move(out));
  return {};
}

hub::trouble hub::take(peer& p, const protocol::gap_record& r) {
  if (auto to = recipient_of(addressing::member, r.group, {})) {
    hand_on(p, to);
    send(to, far_gap{std::min(r.lost, number_max)});
  }
  return {};
}

hub::trouble hub::take(peer& p, const protocol::removal_record& r) {
  auto latest = home::current().wall_ms + std::chrono::milliseconds(group_api::time_max).count();
  auto until =
      static_cast<std::int64_t>(std::min(r.banned_until, static_cast<std::uint64_t>(latest)));
  if (auto to = recipient_of(addressing::member, r.group, {})) {
    hand_on(p, to);
    send(to, far_removal{std::string(r.group), std::string(r.uid), until});
  }
  return {};
}

hub::trouble hub::take(peer& p, const protocol::unban_record& r) {
  if (auto to = recipient_of(addressing::member, r.group, {})) {
    hand_on(p, to);
    send(to, far_unban{std::string(r.group), std::string(r.uid)});
  }
  return {};
}

// ---- what became of ours ----

hub::trouble hub::take(peer& p, const protocol::receipt_record& r) {
  auto* known = p.awaits.find(r.id);
  if (!known)
    return {}; // it came too late
  if (known->what == ticket::kind::publish || (r.gone && known->what != ticket::kind::request))
    return bad_record;
  awaited a;
  p.awaits.take(r.id, a);
  if (r.gone) {
    settle_gone(a);
    return {};
  }
  std::vector<protocol::outcome> outcomes(a.recipients.size(), protocol::outcome::delivered);
  for (auto& other : r.others)
    if (other.recipient < outcomes.size())
      outcomes[other.recipient] = other.what;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    settle(a, i, outcomes[i]);
  return {};
}

hub::trouble hub::take(peer& p, const protocol::count_record& r) {
  auto* known = p.awaits.find(r.id);
  if (!known)
    return {};
  if (known->what != ticket::kind::publish)
    return bad_record;
  settle_count(*known, std::min(r.count, number_max));
  p.awaits.erase(r.id);
  return {};
}

hub::trouble hub::take(peer& p, const protocol::answer_record& r) {
  auto* asked = p.awaits.find(r.id);
  if (!asked)
    return {};
  if (asked->what != ticket::kind::request || !protocol::is_relayed_answer(r))
    return bad_record;
  answer a;
  a.to = asked->from;
  a.ticket = asked->ticket;
  p.awaits.erase(r.id);
  if (r.data.size() + r.error_message.size() > shared_.bounds.frame_bytes_max) {
    a.error_code = protocol::name(code::too_large); // its limits are wider than ours
    a.error_message = protocol::text(code::too_large);
  } else {
    a.from = r.from;
    a.data = r.data;
    a.opaque = r.opaque;
    a.error_code = r.error_code;
    a.error_message = r.error_message;
  }
  auto& door = shared_.door_of(a.to.home);
  send(door, std::move(a));
  return {};
}

void hub::settle(const awaited& a, std::size_t recipient, protocol::outcome result) {
  auto& who = a.recipients[recipient];
  home::current().settle({.to = a.from,
                          .ticket = a.ticket,
                          .what = settlement::kind::outcome,
                          .result = result,
                          .recipient = who.number,
                          .sessions = who.sessions});
}

void hub::settle_count(const awaited& a, std::uint64_t count) {
  home::current().settle({.to = a.from,
                          .ticket = a.ticket,
                          .what = settlement::kind::counted,
                          .count = static_cast<std::uint32_t>(count),
                          .parts = a.parts});
}

void hub::settle_gone(const awaited& a) {
  for (auto& who : a.recipients)
    home::current().settle({.to = a.from,
                            .ticket = a.ticket,
                            .what = settlement::kind::gone,
                            .recipient = who.number,
                            .sessions = who.sessions});
}

// ---- the link itself ----

hub::trouble hub::take(peer& p, const protocol::credit_record& r) {
  p.acknowledge(r.bytes);
  if (!p.untold.empty() || !p.lost.empty())
    flush_soon();
  return {};
}

hub::trouble hub::take(peer& p, const protocol::ping_record& r) {
  say(p, protocol::pong_record{r.at});
  return {};
}

hub::trouble hub::take(peer& p, const protocol::pong_record& r) {
  if (r.at == 0 || r.at != std::exchange(p.pinged, 0))
    return {}; // of an earlier one
  auto now = static_cast<std::uint64_t>(home::current().now.time_since_epoch().count());
  p.lag = std::chrono::nanoseconds(now > r.at ? now - r.at : 0);
  return {};
}

peer* hub::find(peer_id id) {
  auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : &found->second;
}

peer* hub::named(std::string_view name) {
  auto found =
      std::find_if(peers_.begin(), peers_.end(), [&](auto& e) { return *e.second.name == name; });
  return found == peers_.end() ? nullptr : &found->second;
}

} // namespace beckon::actors
