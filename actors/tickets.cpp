#include "actors/tickets.hpp"

#include <cassert>
#include <utility>

namespace beckon::actors {

/// An answer without any outcome, generously.
static constexpr std::size_t answer_bytes = 64;

std::uint32_t tickets::open(ticket t) {
  if (++last_ == 0)
    ++last_; // 0 is "no ticket"
  if (t.what == ticket::kind::publish) {
    t.open = 1;
  } else {
    t.recipients_progress.resize(t.to.size());
    t.open = t.to.size();
  }
  auto* entered = open_.add(last_, {std::move(t), last_});
  assert(entered); // after 2^32 others its number is free again
  requests_ += entered->what == ticket::kind::request;
  waiting_ += entered->waits;
  auto owed = owed_by(*entered);
  owed_bytes_ += owed;
  waiting_bytes_ += entered->waits ? owed : 0;
  if (entered->group)
    by_group_.insert(*entered);
  return last_;
}

bool tickets::settle(const settlement& s, ticket& done) {
  auto* found = open_.find(s.ticket);
  if (!found)
    return false;
  auto& t = *found;
  bool complete = false;
  switch (s.what) {
  case settlement::kind::outcome:
    complete = settle_outcome(t, s);
    break;
  case settlement::kind::counted:
    if (!std::exchange(t.counting, true))
      t.open = s.parts;
    t.count += s.count;
    complete = --t.open == 0;
    break;
  case settlement::kind::gone:
    t.callee_gone = true;
    complete = ++t.recipients_progress[0].refused >= s.sessions;
    break;
  }
  if (complete)
    remove(t, done);
  return complete;
}

bool tickets::settle_outcome(ticket& t, const settlement& s) {
  auto& p = t.recipients_progress[s.recipient];
  if (p.settled)
    return false; // another session of this recipient was first
  if (s.result != protocol::outcome::delivered) {
    // One session refused: the recipient's outcome is known once all have. A full queue says more
    // than an absence, and that nobody knows more than either: it may have arrived.
    if (s.result != protocol::outcome::offline && p.result != protocol::outcome::unknown)
      p.result = s.result;
    if (++p.refused < s.sessions)
      return false;
  } else {
    p.result = protocol::outcome::delivered;
  }
  p.settled = true;
  return --t.open == 0;
}

bool tickets::take(std::uint32_t number, ticket& out) {
  auto* found = open_.find(number);
  if (found)
    remove(*found, out);
  return found != nullptr;
}

std::uint32_t tickets::take_expired(steady_time now, ticket& out) {
  auto* due = open_.due(now);
  if (!due)
    return 0;
  auto number = *due;
  take(number, out);
  return number;
}

bool tickets::take_of_group(caf::actor_id group, ticket& out) {
  auto found = by_group_.find(group);
  if (found == by_group_.end())
    return false;
  remove(*found, out);
  return true;
}

void tickets::remove(entry& which, ticket& out) {
  if (which.group)
    by_group_.erase(by_group_.iterator_to(which));
  auto number = which.number;
  out = std::move(static_cast<ticket&>(which));
  open_.erase(number);
  requests_ -= out.what == ticket::kind::request;
  waiting_ -= out.waits;
  auto owed = owed_by(out);
  owed_bytes_ -= owed;
  waiting_bytes_ -= out.waits ? owed : 0;
}

std::size_t tickets::owed_by(const ticket& t) noexcept {
  auto bytes = answer_bytes;
  if (t.what == ticket::kind::send)
    for (std::size_t i = 0; i < t.to.size(); ++i)
      bytes += t.to[i].size() + 16;
  return bytes;
}

std::vector<protocol::recipient_outcome> not_delivered(const ticket& t) {
  std::vector<protocol::recipient_outcome> list;
  for (std::size_t i = 0; i < t.recipients_progress.size(); ++i)
    if (t.recipients_progress[i].result != protocol::outcome::delivered)
      list.push_back({t.to[i], t.recipients_progress[i].result});
  return list;
}

} // namespace beckon::actors
