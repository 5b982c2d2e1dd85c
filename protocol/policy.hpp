#pragma once
// What a second session of the same member means, by group-name pattern. Owns: the policies and the
// glob. Written once, by the options; read by groups when a member joins. Plain values, they end
// with their holder.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace beckon::protocol {

/// protocol.md section 1: multi: every session gets what is sent to the member; replace: the newest
/// session wins; reject: the newcomer gets `exists`.
enum class session_policy : std::uint8_t { multi, replace, reject };

struct policy_rule {
  std::string pattern; ///< `*` stands for any run of bytes, also none; every other byte for itself
  session_policy policy = session_policy::multi;
};

/// Whether `pattern` describes all of `text`. Linear memory, no recursion; at most |pattern| *
/// |text| steps.
bool matches(std::string_view pattern, std::string_view text) noexcept;

/// The policy of the first rule that matches the group's name; `multi` where none does.
session_policy policy_for(std::span<const policy_rule> rules, std::string_view group) noexcept;

std::string_view name(session_policy) noexcept;

} // namespace beckon::protocol
