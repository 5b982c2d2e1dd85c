#include "actors/clerk.hpp"

#include "actors/surviving.hpp"

namespace beckon::actors {
namespace {

constexpr unsigned half = 32;

caf::actor_id group_of(const session_address& a) noexcept {
  return (caf::actor_id{a.generation - 1} << half) | a.slot;
}

} // namespace

clerk::clerk(caf::actor_config& config) : caf::event_based_actor(config) {
  set_down_handler([this](const caf::down_msg& down) { groups_.erase(down.source.id()); });
}

caf::behavior clerk::make_behavior() {
  return {
      surviving([this](const clerk_entry& e) {
        monitor(e.group);
        groups_.insert_or_assign(e.group.id(), e.group.address());
      }),
      surviving([this](const settlements& list) { pass_on(list); }),
  };
}

/// The generation of a session's address is never 0.
session_address clerk::address_of(caf::actor_id group, std::size_t door) noexcept {
  return {static_cast<std::uint32_t>(group), static_cast<std::uint32_t>(group >> half) + 1,
          static_cast<std::uint16_t>(door)};
}

void clerk::pass_on(const settlements& list) {
  for (auto& s : list) {
    auto found = groups_.find(group_of(s.to));
    if (found == groups_.end())
      continue;
    if (auto group = caf::actor_cast<caf::actor>(found->second))
      send(group, settlements{s});
  }
}

} // namespace beckon::actors
