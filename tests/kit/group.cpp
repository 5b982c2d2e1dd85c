#include "tests/kit/group.hpp"

#include <algorithm>
#include <stdexcept>

namespace beckon::testing {

using std::chrono::milliseconds;

group::group(actors::behaviours known, std::string behaviour, group_setup setup)
    : setup_(std::move(setup)) {
  if (!known.find(behaviour))
    throw std::invalid_argument("there is no behaviour " + behaviour);
  auto& shared = node_.node;
  shared.known_behaviours = std::move(known);
  shared.behaviour_told = [this](const actors::behaviour_event& e) { note(e); };
  choose(std::move(behaviour), setup_.options);
  for (auto& user : setup_.members)
    join(user);
}

group::~group() {
  for (auto& bot : std::exchange(bots_, {}))
    caf::anon_send_exit(bot, caf::exit_reason::user_shutdown);
  settle();
  for (auto& s : seats_)
    s.who->disconnect();
  seats_.clear();
}

/// New groups have it from the start.
void group::choose(std::string behaviour, actors::settings options) {
  auto chosen = std::make_shared<actors::behaviour_settings>();
  chosen->options[behaviour] = std::move(options);
  chosen->rules.push_back({std::move(behaviour), "*"});
  node_.node.chosen_behaviours.store(std::move(chosen));
}

client& group::operator[](std::string_view user) {
  for (auto& s : seats_)
    if (s.user == user)
      return *s.who;
  throw std::out_of_range("no client of " + std::string(user));
}

std::pair<client&, answer> group::join(std::string user, std::string_view meta) {
  auto& who = *seats_.emplace_back(seat{user, std::make_unique<client>(*this, user)}).who;
  return {who, who.join(meta)};
}

void group::settle() {
  for (auto any = true; any;) {
    node_.settle();
    any = false;
    for (auto& s : seats_)
      any = s.who->read() || any;
  }
}

void group::advance(milliseconds time) {
  constexpr milliseconds step{10};
  for (milliseconds passed{0}; passed < time; passed += step) {
    node_.settle_for(std::min(step, time - passed));
    settle();
  }
}

actors::swapped group::swap(std::string behaviour, actors::settings options) {
  if (!node_.node.known_behaviours.find(behaviour))
    throw std::invalid_argument("there is no behaviour " + behaviour);
  choose(behaviour, std::move(options));
  actors::swapped result;
  caf::anon_send(node_.node.directory_of(name()),
                 actors::swap_behaviour{name(), std::move(behaviour),
                                        [&](const actors::swapped& s) { result = s; }});
  settle();
  return result;
}

void group::note(const actors::behaviour_event& e) {
  using kind = actors::behaviour_event::kind;
  std::string line;
  switch (e.what) {
  case kind::said:
    line = "said: ";
    break;
  case kind::failed:
    line = "failed: ";
    break;
  case kind::given_up:
    line = "given up: ";
    break;
  case kind::slow:
    line = "slow: ";
    break;
  case kind::swapped:
    line = e.text.empty() ? "swapped: " : "rolled back: ";
    break;
  }
  if (!e.hook.empty())
    line.append(e.hook).append(" ");
  line.append(e.text.empty() ? e.behaviour : e.text);
  log_.push_back(std::move(line));
}

} // namespace beckon::testing
