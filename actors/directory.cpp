#include "actors/directory.hpp"

#include "actors/group.hpp"
#include "actors/home.hpp"

namespace beckon::actors {

directory::directory(caf::actor_config& config, node_state& shared)
    : caf::event_based_actor(config), shared_(shared) {
  set_down_handler([this](caf::down_msg& down) { forget(down); });
}

caf::behavior directory::make_behavior() {
  return {
      [this](join_group& j) { pass_on(j); },
      [this](retire_group& r) { retire(r); },
      [this](const swap_behaviour& s) { swap(s); },
      [this](const choose_behaviours& c) { choose_again(c); },
  };
}

void directory::pass_on(join_group& j) {
  auto found = groups_.find(j.group);
  if (found == groups_.end()) {
    if (shared_.groups.fetch_add(1) >= shared_.bounds.groups_per_node_max) {
      shared_.groups.fetch_sub(1);
      group_reply r;
      r.to = j.where;
      r.question = j.question;
      r.group = j.group;
      r.why = protocol::code::too_many;
      send(shared_.homes[j.where.home]->relay_handle, std::move(r));
      return;
    }
    home::current().count.groups.add();
    auto made = spawn<group>(shared_, j.group, caf::actor_cast<caf::actor>(this));
    monitor(made);
    names_.emplace(made.id(), j.group);
    found = groups_.emplace(j.group, entry{std::move(made)}).first;
  }
  ++found->second.joins;
  auto to = found->second.group;
  send(to, std::move(j));
}

/// The group is forgotten only if every join that was passed on has reached it: one on its way
/// keeps it, and the group asks again when it is empty again. Without this handle it ends once no
/// session has one; until then it answers, as what waits in the mailbox of an actor that quits is
/// lost.
void directory::retire(const retire_group& r) {
  auto found = groups_.find(r.group);
  if (found == groups_.end() || found->second.joins != r.joins ||
      current_sender() != caf::actor_cast<caf::strong_actor_ptr>(found->second.group))
    return;
  demonitor(found->second.group);
  send(found->second.group, retired{});
  names_.erase(found->second.group.id());
  groups_.erase(found);
  shared_.groups.fetch_sub(1);
  home::current().count.groups.sub();
}

void directory::swap(const swap_behaviour& s) {
  auto found = groups_.find(s.group);
  if (found == groups_.end())
    return s.done({.what = swapped::kind::no_group, .behaviour = {}, .was = {}, .why = {}});
  send(found->second.group, s);
}

void directory::choose_again(const choose_behaviours& c) {
  for (auto& [name, known] : groups_)
    send(known.group, c);
}

void directory::forget(const caf::down_msg& down) {
  auto found = names_.find(down.source.id());
  if (found == names_.end())
    return;
  groups_.erase(found->second);
  names_.erase(found);
  shared_.groups.fetch_sub(1);
  home::current().count.groups.sub();
}

} // namespace beckon::actors
