// What reaches a session through its thread's relay: deliveries, and outcomes of
// what it sent.

#include "actors/relay.hpp"
#include "actors/session.hpp"
#include "protocol/encode.hpp"
#include "protocol/json.hpp"

#include <algorithm>

namespace beckon::actors {

using protocol::code;
using protocol::outcome;

// ---- deliveries ----

bool session::push(const protocol::delivery& d) {
  return phase_ == phase::ready && port_->push(binary_ && d.binary ? d.binary : d.text);
}

void session::hand_over(const handover& h, settlement s) {
  if (phase_ == phase::enrolling &&
      hold_early(h.what.text.wire().size(), [this, h, s] { hand_over(h, s); }))
    return;
  auto kind = h.is_request ? message_kind::request : message_kind::send;
  auto wants_received = h.ticket && !h.is_request && h.confirm == protocol::confirm_level::received;
  auto expires = home_.now + h.ttl;
  auto taken = phase_ == phase::ready;
  s.result = phase_ < phase::closing ? outcome::overloaded : outcome::offline;
  if (taken && h.is_request)
    taken = debts_.owe_reply(h.number, {s, h.group, expires}, home_.now);
  else if (taken && wants_received)
    taken = debts_.owe_received(h.number, s, home_.now, expires);
  if (taken && !push(h.what)) {
    taken = false;
    debts::request refused;
    debts_.take_request(h.number, refused);
    settlement back;
    debts_.take_received(h.number, back);
  }
  home_.count.message(kind, taken ? outcome::delivered : s.result);
  if (h.started != steady_time{})
    home_.count.handed.observe(std::chrono::steady_clock::now() - h.started);
  if (!h.ticket)
    return;
  if (!taken)
    return home_.settle(s);
  if (h.is_request || wants_received)
    return; // its client settles them
  s.result = outcome::delivered;
  if (h.confirm == protocol::confirm_level::written)
    debts_.owe_written(port_->mark(), s);
  else
    home_.settle(s);
}

bool session::publish_to(const fanout& f) {
  if (f.lost)
    return miss_far(f), false;
  if (phase_ == phase::enrolling) {
    auto once = [this, f] { publish_to(f); };
    if (hold_early(f.what.text.wire().size(), std::move(once)))
      return true;
  } else if (push(f.what)) {
    if (f.from)
      home_.count.message(message_kind::publish, outcome::delivered);
    return true;
  }
  if (f.group && phase_ < phase::closing) {
    home_.count.gap_frames.add();
    if (f.from)
      home_.count.message(message_kind::publish, outcome::overloaded);
    miss(*f.group, 1);
  }
  return false;
}

/// The way from another node was too slow for them.
void session::miss_far(const fanout& f) {
  if (phase_ >= phase::closing)
    return;
  home_.count.gap_frames.add(f.lost);
  miss(*f.group, f.lost);
}

/// Told at once where there is room: then `has_room` will not be called for it.
void session::miss(const std::string& group, std::uint64_t frames) {
  auto missed = gaps_.try_emplace(group).first;
  missed->second += frames;
  if (phase_ == phase::ready && port_->has_room())
    tell_gap(missed);
}

void session::has_room() {
  while (!gaps_.empty())
    tell_gap(gaps_.begin());
}

void session::tell_gap(gaps::iterator missed) {
  protocol::append_gap(home_.scratch, missed->first, missed->second);
  gaps_.erase(missed);
  port_->reply(home_.scratch);
  home_.scratch.clear();
}

void session::written(std::uint64_t position) {
  for (settlement s; debts_.take_written(position, s);)
    home_.settle(s);
}

// ---- outcomes ----

std::uint32_t session::open_ticket(ticket t, std::chrono::milliseconds wait) {
  auto silent = t.id == 0;
  if (silent)
    wait = std::min<std::chrono::milliseconds>(wait, checkpoint_wait_max);
  t.started = home_.now;
  t.expires = home_.now + wait;
  wake_by(t.expires);
  auto number = tickets_.open(std::move(t));
  if (silent) {
    checkpoint_ = number;
    silent_bytes_ = 0;
  }
  return number;
}

void session::settle(const settlement& s) {
  ticket finished;
  if (phase_ >= phase::closing || !tickets_.settle(s, finished))
    return;
  complete(finished);
  continue_held();
}

void session::complete(const ticket& t) {
  if (t.id == 0)
    return; // a checkpoint
  if (t.what == ticket::kind::publish)
    return answer_ok(t.id, "\"count\":" + std::to_string(t.count));
  if (t.callee_gone)
    return refuse({.why = code::callee_gone, .id = t.id, .unparsable = false, .field = {}});
  auto others = not_delivered(t);
  if (others.empty())
    return answer_ok(t.id);
  std::string answer;
  auto kept =
      std::any_of(others.begin(), others.end(), [](auto& o) { return o.what == outcome::parked; });
  if (kept || others.size() < t.to.size()) {
    std::string outcomes;
    protocol::append_outcomes(outcomes, others);
    protocol::append_ok(answer, t.id, outcomes);
  } else {
    protocol::append_error(answer, {.id = t.id, .why = code::not_delivered, .outcomes = others});
  }
  port_->reply(answer);
}

void session::expire(ticket& t) {
  if (t.id == 0)
    return;
  if (t.what == ticket::kind::request) {
    home_.count.message(message_kind::request, outcome::expired);
    return refuse({.why = code::timeout, .id = t.id, .unparsable = false, .field = {}});
  }
  for (auto& p : t.recipients_progress)
    if (!p.settled) {
      p.result = outcome::expired;
      home_.count.message(message_kind::send, outcome::expired);
    }
  complete(t);
}

void session::take_answer(const answer& a) {
  ticket t;
  if (phase_ >= phase::closing || !tickets_.take(a.ticket, t))
    return; // answered already, or it waited no longer
  if (t.id == 0)
    return continue_held(); // a checkpoint
  if (!a.error_code.empty()) {
    protocol::append_foreign_error(home_.scratch, t.id, a.error_code, a.error_message);
    port_->reply(home_.scratch);
    home_.scratch.clear();
  } else {
    auto d = protocol::encode_answer(t.id, a.from, {a.data, a.opaque});
    port_->reply(binary_ && d.binary ? d.binary : d.text);
  }
  continue_held();
}

// ---- answers to the client ----

void session::answer_ok(std::uint64_t id, std::string_view rest) {
  if (id == 0)
    return;
  protocol::append_ok(home_.scratch, id, rest);
  port_->reply(home_.scratch);
  home_.scratch.clear();
}

void session::refuse(const protocol::client_frame& f, code why, std::string_view field,
                     std::optional<std::int64_t> retry_after_ms) {
  // The unauthenticated are answered even without an id: they cannot know better.
  refuse({.why = why, .id = f.id, .unparsable = why == code::unauthenticated, .field = field},
         kind_of(f.type), retry_after_ms);
}

void session::refuse(const protocol::rejection& r, message_kind kind,
                     std::optional<std::int64_t> retry_after_ms) {
  home_.count.refuse(kind, r.why);
  if (r.id || r.unparsable) {
    auto message = protocol::describe(r);
    protocol::append_error(
        home_.scratch,
        {.id = r.id, .why = r.why, .message = message, .retry_after_ms = retry_after_ms});
    port_->reply(home_.scratch);
    home_.scratch.clear();
  }
  if (is_misuse(r.why) && phase_ < phase::closing && conduct_.mistake(home_.now))
    close(protocol::close_code::too_many_errors);
}

} // namespace beckon::actors
