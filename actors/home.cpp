#include "actors/home.hpp"

#include "actors/relay.hpp"
#include "actors/session.hpp"
#include "protocol/encode.hpp"

#include <algorithm>
#include <cassert>
#include <new>

namespace beckon::actors {

thread_local home* home::current_ = nullptr;

home::home(node_state& shared_node, std::uint16_t home_index, steady_time start)
    : shared(shared_node), index(home_index), wheel(start), parser(shared_node.bounds), now(start) {
  assert(home_index < homes_max);
}

home::~home() = default;

const std::string& home::limits_json() {
  if (limits_json_.empty())
    limits_json_ = protocol::limits_json(shared.bounds);
  return limits_json_;
}

session_address home::add(session& who) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(table_.size()));
    table_.emplace_back();
    free_.reserve(table_.capacity()); // so that leaving needs no memory
  }
  auto slot = free_.back();
  free_.pop_back();
  table_[slot].who = &who;
  return {slot, table_[slot].generation, index};
}

void home::remove(const session_address& where) {
  auto& left = table_[where.slot];
  assert(left.who && left.generation == where.generation);
  left.who = nullptr;
  if (++left.generation == 0)
    left.generation = 1; // 0 is nobody's
  free_.push_back(where.slot);
}

bool home::owes() const noexcept {
  return std::any_of(owed_.begin(), owed_.end(), [](const auto& list) { return !list.empty(); });
}

void home::settle_here() {
  while (!owed_[index].empty()) { // settling may settle more
    settling_.swap(owed_[index]);
    relay_actor->settle(settling_);
    settling_.clear();
  }
}

void home::end_turn() {
  settle_here();
  for (std::size_t i = 0; i < owed_.size(); ++i)
    if (!owed_[i].empty())
      tell_owed(i);
}

void home::tell_owed(std::size_t door) noexcept {
  try {
    relay_actor->send(shared.door_of(static_cast<std::uint16_t>(door)), std::move(owed_[door]));
    owed_[door] = {};
  } catch (const std::bad_alloc&) {
    // The message was not made, so the list is still here.
  }
}

} // namespace beckon::actors
