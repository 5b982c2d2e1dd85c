#include "protocol/policy.hpp"

namespace beckon::protocol {

bool matches(std::string_view pattern, std::string_view text) noexcept {
  // The last star is tried with one more byte whenever what follows it does not fit; earlier stars
  // need no second look, as the last one can take whatever they would have left.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t behind_star = std::string_view::npos;
  std::size_t star_taken_to = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      behind_star = ++p;
      star_taken_to = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (behind_star != std::string_view::npos) {
      p = behind_star;
      t = ++star_taken_to;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

session_policy policy_for(std::span<const policy_rule> rules, std::string_view group) noexcept {
  for (const auto& rule : rules)
    if (matches(rule.pattern, group))
      return rule.policy;
  return session_policy::multi;
}

std::string_view name(session_policy policy) noexcept {
  switch (policy) {
  case session_policy::multi:
    return "multi";
  case session_policy::replace:
    return "replace";
  case session_policy::reject:
    return "reject";
  }
  return {};
}

} // namespace beckon::protocol
