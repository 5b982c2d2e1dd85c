#pragma once
// Where outcomes go that groups asked for: behind the relays and the hub it is the last door of the
// node. Owns: which group an address of its kind stands for; forgets those that are down.
//
// Handles: clerk_entry (from groups), settlements (from relays), down of a group. Passes each
// settlement on to its group.

#include "actors/messages.hpp"

#include <caf/all.hpp>
#include <unordered_map>

namespace beckon::actors {

class clerk final : public caf::event_based_actor {
public:
  explicit clerk(caf::actor_config& config);
  caf::behavior make_behavior() override;
  const char* name() const override { return "clerk"; }

  /// The address under which this group gets settlements. @param door the clerk's place, behind the
  /// hub's
  static session_address address_of(caf::actor_id group, std::size_t door) noexcept;

private:
  void pass_on(const settlements& list);

  std::unordered_map<caf::actor_id, caf::actor_addr> groups_;
};

} // namespace beckon::actors
