// What a server does for its operators, and for the behaviours and bots of those who extend it.

#include "net/server.hpp"

namespace beckon::net {

void server::choose_behaviours(actors::behaviour_settings chosen) {
  auto before = node_.chosen_behaviours.exchange(
      std::make_shared<const actors::behaviour_settings>(std::move(chosen)));
  for (auto& directory : node_.directories)
    caf::anon_send(directory, actors::choose_behaviours{before});
}

operator_services server::offered_to_operators() {
  return {.key = admin_key_,
          .hosts = values_.admin_hosts,
          .bounds = values_.bounds,
          .draining = node_.draining,
          .metrics = [this] { return metrics(); },
          .cluster = [this] { return cluster(); },
          .behaviours = {.behaviour_of =
                             [this](std::string group, behaviour_told told) {
                               ask_group(std::move(group), {}, std::move(told));
                             },
                         .swap =
                             [this](std::string group, std::string name, behaviour_told told) {
                               ask_group(std::move(group), std::move(name), std::move(told));
                             }}};
}

/// What the group's behaviour is, or shall be.
void server::ask_group(std::string group, std::optional<std::string> behaviour,
                       behaviour_told told) {
  auto& directory = node_.directory_of(group);
  auto done = [told = std::move(told)](const actors::swapped& s) {
    using kind = behaviour_answer::kind;
    constexpr kind kinds[] = {kind::good, kind::no_group, kind::no_behaviour, kind::failed};
    told({kinds[static_cast<std::size_t>(s.what)], s.behaviour, s.why, s.pause});
  };
  caf::anon_send(directory, actors::swap_behaviour{std::move(group), std::move(behaviour), done});
}

void server::tell_of_behaviour(const actors::behaviour_event& e) {
  using kind = actors::behaviour_event::kind;
  auto took_ms = std::chrono::duration<double, std::milli>(e.took).count();
  switch (e.what) {
  case kind::failed:
    return log_.error(
        "behaviour_failed",
        {{"behaviour", e.behaviour}, {"group", e.group}, {"hook", e.hook}, {"why", e.text}});
  case kind::given_up:
    return log_.error("behaviour_given_up", {{"behaviour", e.behaviour}, {"group", e.group}});
  case kind::slow:
    return log_.warn(
        "behaviour_slow",
        {{"behaviour", e.behaviour}, {"group", e.group}, {"hook", e.hook}, {"took_ms", took_ms}});
  case kind::swapped:
    if (!e.text.empty())
      return log_.error("behaviour_rolled_back",
                        {{"behaviour", e.behaviour}, {"group", e.group}, {"why", e.text}});
    return log_.info("behaviour_swapped",
                     {{"behaviour", e.behaviour}, {"group", e.group}, {"pause_ms", took_ms}});
  case kind::said:
    return log_.info("behaviour_said",
                     {{"behaviour", e.behaviour}, {"group", e.group}, {"text", e.text}});
  }
}

void server::tell_of_bot(std::string_view uid, std::string_view why) {
  if (why.empty())
    return log_.info("bot_ended", {{"uid", uid}});
  log_.error("bot_failed", {{"uid", uid}, {"why", why}});
}

} // namespace beckon::net
