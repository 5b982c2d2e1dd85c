#include "actors/home.hpp"

#include "actors/relay.hpp"
#include "actors/session.hpp"
#include "protocol/encode.hpp"

#include <algorithm>
#include <cassert>

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

void home::end_turn() {
  while (!owed_[index].empty()) { // settling may settle more
    settling_.swap(owed_[index]);
    relay_actor->settle(settling_);
    settling_.clear();
  }
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (owed_[i].empty())
      continue;
    relay_actor->send(shared.door_of(static_cast<std::uint16_t>(i)), std::move(owed_[i]));
    owed_[i] = {};
  }
}

} // namespace beckon::actors
