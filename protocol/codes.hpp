#pragma once
// The codes of the protocol: errors, closes, outcomes. Owns: their names on the wire.
// A code is listed here once the feature that needs it exists (docs/protocol.md has a row for each;
// a test compares).

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace beckon::protocol {

/// Why a frame was refused (`error.code`).
enum class code : std::uint8_t {
  bad_json,
  bad_request,
  unknown_type,
  unauthenticated,
  already_authenticated,
  token_expired,
  denied,
  not_member,
  not_found,
  not_delivered,
  timeout,
  callee_gone,
  too_large,
  too_many,
  rate_limited,
  overloaded,
  exists,
  unavailable,
  internal,
  not_implemented,
};
inline constexpr std::size_t code_count = 20;

/// Why we closed a connection. 40xx: stop; 41xx: back off, then reconnect; 42xx: reconnect at once.
enum class close_code : std::uint16_t {
  normal = 1000,
  protocol_error = 1002,
  invalid_utf8 = 1007,
  policy_violation = 1008,
  too_big = 1009,
  internal_error = 1011,
  auth_timeout = 4001,
  invalid_token = 4002,
  denied = 4003,
  too_many_errors = 4009,
  connection_limit = 4101,
  rate_limited = 4102,
  slow_consumer = 4103,
  shedding = 4104,
  ping_timeout = 4105,
  token_expired = 4106,
  draining = 4200,
};

/// What became of a message for one recipient.
enum class outcome : std::uint8_t {
  delivered,
  parked,
  offline,
  denied,
  overloaded,
  expired,
  unknown
};
inline constexpr std::size_t outcome_count = 7;

/// Why a session is no longer in a group (`left.why`).
enum class left_reason : std::uint8_t { kicked, replaced, group_closed, group_failed, denied };

std::string_view name(code) noexcept;
std::string_view name(close_code) noexcept;
std::string_view name(outcome) noexcept;
std::string_view name(left_reason) noexcept;

/// A sentence for people, without any value of the client's.
std::string_view text(code) noexcept;
std::string_view text(close_code) noexcept;

/// Whether it counts as misuse (protocol.md section 6: ten within a minute close the connection).
constexpr bool is_misuse(code c) noexcept {
  return c == code::bad_json || c == code::bad_request || c == code::unauthenticated ||
         c == code::unknown_type;
}

/// All close codes, for tables and metrics.
inline constexpr close_code close_codes[] = {
    close_code::normal,           close_code::protocol_error,   close_code::invalid_utf8,
    close_code::policy_violation, close_code::too_big,          close_code::internal_error,
    close_code::auth_timeout,     close_code::invalid_token,    close_code::denied,
    close_code::too_many_errors,  close_code::connection_limit, close_code::rate_limited,
    close_code::slow_consumer,    close_code::shedding,         close_code::ping_timeout,
    close_code::token_expired,    close_code::draining,
};

} // namespace beckon::protocol
