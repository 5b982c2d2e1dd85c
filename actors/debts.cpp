#include "actors/debts.hpp"

namespace beckon::actors {
namespace {

/// Whether another entry fits, once those are gone whose senders wait no more.
template <class Book>
bool fits(Book& held, steady_time now) {
  if (held.size() < debts::held_max)
    return true;
  while (auto* over = held.due(now))
    held.erase(*over);
  return held.size() < debts::held_max;
}

} // namespace

bool debts::owe_received(std::uint64_t number, const settlement& s, steady_time now,
                         steady_time expires) {
  return fits(received_, now) && received_.add(number, received_owed{s, expires});
}

bool debts::owe_reply(std::uint64_t number, request r, steady_time now) {
  return fits(requests_, now) && requests_.add(number, std::move(r));
}

bool debts::take_written(std::uint64_t position, settlement& out) {
  if (!owes_written() || written_[written_head_].position > position)
    return false;
  out = written_[written_head_++].owed;
  // Each entry moves once on average; without this the list of one who never catches up would only
  // grow.
  if (2 * written_head_ >= written_.size()) {
    written_.erase(written_.begin(), written_.begin() + static_cast<std::ptrdiff_t>(written_head_));
    written_head_ = 0;
  }
  return true;
}

bool debts::take_received(std::uint64_t number, settlement& out) {
  received_owed taken;
  if (!received_.take(number, taken))
    return false;
  out = taken.owed;
  return true;
}

bool debts::take_request(std::uint64_t number, request& out) {
  return requests_.take(number, out);
}

} // namespace beckon::actors
