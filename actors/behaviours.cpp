#include "actors/behaviours.hpp"

#include "protocol/policy.hpp"

#include <algorithm>

namespace beckon::actors {

bool is_behaviour_name(std::string_view name) {
  constexpr std::size_t name_bytes_max = 64;
  return !name.empty() && name.size() <= name_bytes_max &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
}

void behaviours::add(behaviour_kind kind) {
  if (!is_behaviour_name(kind.name))
    throw std::invalid_argument("'" + kind.name + "' is no name of a behaviour");
  auto name = kind.name;
  kind.library = library_;
  if (!kinds_.emplace(name, std::move(kind)).second)
    throw std::invalid_argument("there are two behaviours named '" + name + "'");
}

const behaviour_kind* behaviours::find(std::string_view name) const {
  auto found = kinds_.find(name);
  return found == kinds_.end() ? nullptr : &found->second;
}

std::string_view behaviour_settings::name_for(std::string_view group) const {
  auto rule = std::find_if(rules.begin(), rules.end(), [&](const behaviour_rule& r) {
    return protocol::matches(r.pattern, group);
  });
  return rule == rules.end() ? std::string_view{} : rule->behaviour;
}

settings behaviour_settings::options_for(std::string_view behaviour) const {
  auto found = options.find(behaviour);
  return found == options.end() ? settings{} : found->second;
}

} // namespace beckon::actors
