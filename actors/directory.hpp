#pragma once
// Group name -> group actor, one shard of it. Owns: which group actor stands for a name. Asked on
// join only: sessions keep the handles of the groups they are in.
//
// Handles: join_group (from sessions; passed on to the group, which answers), retire_group (from a
// group), swap_behaviour (from operators; for a group), choose_behaviours (for all), down of a
// group.

#include "actors/messages.hpp"
#include "actors/node.hpp"

#include <caf/all.hpp>
#include <string>
#include <unordered_map>

namespace beckon::actors {

class directory final : public caf::event_based_actor {
public:
  directory(caf::actor_config& config, node_state& shared);
  caf::behavior make_behavior() override;
  void on_exit() override { groups_.clear(); } // a group holds its directory, too
  const char* name() const override { return "directory"; }

private:
  struct entry {
    caf::actor group;
    std::uint64_t joins = 0; ///< passed on to it
  };
  void pass_on(join_group& j);
  void refuse(const join_group& j, protocol::code why);
  void retire(const retire_group& r);
  void forget(const caf::down_msg& down);
  void swap(const swap_behaviour& s);
  void choose_again(const choose_behaviours& c);

  using groups = std::unordered_map<std::string, entry>;
  groups::iterator make(const std::string& name);
  void remove(groups::iterator gone);

  node_state& shared_;
  groups groups_;
  std::unordered_map<caf::actor_id, std::string> names_; ///< for a group that fails
};

} // namespace beckon::actors
