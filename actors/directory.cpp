#include "actors/directory.hpp"

#include "actors/group.hpp"
#include "actors/home.hpp"
#include "actors/surviving.hpp"

namespace beckon::actors {

/// What a group takes when it begins, with what stands here for it.
static constexpr std::size_t group_bytes = 8 * 1024;

directory::directory(caf::actor_config& config, node_state& shared)
    : caf::event_based_actor(config), shared_(shared) {
  set_down_handler([this](caf::down_msg& down) { survives([&] { forget(down); }); });
}

caf::behavior directory::make_behavior() {
  return {
      surviving([this](join_group& j) { pass_on(j); },
                [this](join_group& j) { refuse(j, protocol::code::unavailable); }),
      surviving([this](retire_group& r) { retire(r); }),
      surviving([this](const swap_behaviour& s) { swap(s); }),
      surviving([this](const choose_behaviours& c) { choose_again(c); }),
  };
}

void directory::pass_on(join_group& j) {
  auto found = groups_.find(j.group);
  if (found == groups_.end()) {
    if (shared_.groups.load() >= shared_.bounds.groups_per_node_max)
      return refuse(j, protocol::code::too_many);
    memory_reserve::expect(group_bytes);
    must_not_fail from_here;
    found = make(j.group);
  }
  auto to = found->second.group;
  must_not_fail or_its_count_is_wrong;
  ++found->second.joins;
  send(to, std::move(j));
}

void directory::refuse(const join_group& j, protocol::code why) {
  group_reply r;
  r.to = j.where;
  r.question = j.question;
  r.group = j.group;
  r.why = why;
  send(shared_.homes[j.where.home]->relay_handle, std::move(r));
}

directory::groups::iterator directory::make(const std::string& name) {
  auto made = spawn<group>(shared_, name, address());
  monitor(made);
  names_.emplace(made.id(), name);
  shared_.groups.fetch_add(1);
  home::current().count.groups.add();
  return groups_.emplace(name, entry{std::move(made)}).first;
}

void directory::remove(groups::iterator gone) {
  names_.erase(gone->second.group.id());
  groups_.erase(gone);
  shared_.groups.fetch_sub(1);
  home::current().count.groups.sub();
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
  remove(found);
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
  remove(groups_.find(found->second));
}

} // namespace beckon::actors
