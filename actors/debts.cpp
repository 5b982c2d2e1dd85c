#include "actors/debts.hpp"

namespace beckon::actors {
namespace {

/// Whether another entry fits, once those are gone whose senders wait no more.
template <class Map>
bool fits(Map& held, steady_time now) {
  if (held.size() < debts::held_max)
    return true;
  std::erase_if(held, [&](const auto& entry) { return entry.second.expires <= now; });
  return held.size() < debts::held_max;
}

template <class Map, class Out>
bool take(Map& held, std::uint64_t number, Out assign) {
  auto found = held.find(number);
  if (found == held.end())
    return false;
  assign(found->second);
  held.erase(found);
  return true;
}

} // namespace

bool debts::owe_received(std::uint64_t number, const settlement& s, steady_time now,
                         steady_time expires) {
  return fits(received_, now) && received_.emplace(number, received_owed{s, expires}).second;
}

bool debts::owe_reply(std::uint64_t number, request r, steady_time now) {
  return fits(requests_, now) && requests_.emplace(number, std::move(r)).second;
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
  return take(received_, number, [&](received_owed& r) { out = r.owed; });
}

bool debts::take_request(std::uint64_t number, request& out) {
  return take(requests_, number, [&](request& r) { out = std::move(r); });
}

} // namespace beckon::actors
