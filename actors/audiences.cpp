#include "actors/audiences.hpp"

#include <memory>

namespace beckon::actors {
namespace {

bool belongs(const seat& s, audience_kind kind) {
  switch (kind) {
  case audience_kind::publications:
    return s.interest == protocol::interest_level::full;
  case audience_kind::full_watchers:
    return s.presence == protocol::presence_mode::full;
  case audience_kind::count_watchers:
    return s.presence == protocol::presence_mode::count;
  }
  return false;
}

} // namespace

const std::vector<audience>& audiences::of(audience_kind kind, const roster& members) {
  if (!valid_)
    rebuild(members);
  return lists_[static_cast<std::size_t>(kind)];
}

void audiences::rebuild(const roster& members) {
  using list = std::vector<audience_seat>;
  for (std::size_t kind = 0; kind < audience_kinds; ++kind) {
    std::vector<std::shared_ptr<list>> by_home(homes_);
    members.for_each_seat([&](const seat& s) {
      if (!belongs(s, static_cast<audience_kind>(kind)))
        return;
      auto& seats = by_home[s.where.home];
      if (!seats)
        seats = std::make_shared<list>();
      seats->push_back({s.where.slot, s.where.generation});
    });
    lists_[kind].assign(by_home.begin(), by_home.end());
  }
  valid_ = true;
}

} // namespace beckon::actors
