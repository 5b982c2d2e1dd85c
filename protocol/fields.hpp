#pragma once
// Which fields each type of frame has. Owns: the table of protocol.md section 3 and the names in
// it. Written by hand, read at compile time and by frame.cpp.

#include "protocol/frame.hpp"
#include "protocol/name_table.hpp"

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>

namespace beckon::protocol {

/// Every top-level field that some type has. `field_names` has them in the same order.
enum class field : std::uint8_t {
  // clang-format off
  type, id, token, resume, client, batch, binary, group,
  as, meta, presence, interest, since, last, to, user,
  session, data, base64, ttl, key, confirm, except, echo,
  timeout_ms, request, error, message, limit, after, reverse, received,
  name,
  // clang-format on
};
inline constexpr std::size_t field_count = 33;

inline constexpr name_table<field_count> field_names({
    "type",    "id",     "token",   "resume",     "client",   "batch", "binary",
    "group",   "as",     "meta",    "presence",   "interest", "since", "last",
    "to",      "user",   "session", "data",       "base64",   "ttl",   "key",
    "confirm", "except", "echo",    "timeout_ms", "request",  "error", "message",
    "limit",   "after",  "reverse", "received",   "name",
});
static_assert(field_names.find("name") == std::size_t(field::name));

/// In the order of frame_type.
inline constexpr name_table<frame_type_count> type_names({
    // clang-format off
    "hello", "join", "update", "leave", "send", "publish", "request", "reply", "received", "roster", "history",
    "refresh", "ping", "call",
    // clang-format on
});
static_assert(type_names.find("call") == std::size_t(frame_type::call));

/// A set of fields, one bit each.
using fields = std::uint64_t;
constexpr fields fields_of(std::same_as<field> auto... f) {
  return ((fields{1} << static_cast<unsigned>(f)) | ... | fields{0});
}
constexpr bool has(fields all, field f) {
  return (all & fields_of(f)) != 0;
}
/// The first field of a set that has one.
constexpr field lowest(fields all) {
  return static_cast<field>(std::countr_zero(all));
}
constexpr fields without_lowest(fields all) {
  return all & (all - 1);
}

/// What a type has besides `type`.
struct type_rule {
  fields listed = 0;
  fields required = 0; ///< never `group`: the session may have a default group
  bool carries_payload = false;
};

/// The table of protocol.md section 3, in the order of frame_type.
inline constexpr auto rules = [] {
  using enum field;
  constexpr fields address = fields_of(group, to, user, session);
  constexpr fields payload = fields_of(data, base64);
  return std::array<type_rule, frame_type_count>{{
      /* hello    */ {fields_of(id, token, resume, client, batch, binary)},
      /* join     */ {fields_of(id, group, as, meta, presence, interest, since, last, token)},
      /* update   */ {fields_of(id, group, meta, presence, interest)},
      /* leave    */ {fields_of(id, group)},
      /* send     */ {fields_of(id, ttl, key, confirm) | address | payload, 0, true},
      /* publish  */ {fields_of(id, group, except, echo, key) | payload, 0, true},
      /* request  */ {fields_of(id, timeout_ms) | address | payload, fields_of(id), true},
      /* reply    */ {fields_of(request, error) | payload, fields_of(request), true},
      /* received */ {fields_of(message), fields_of(message)},
      /* roster   */ {fields_of(id, group, limit, after), fields_of(id)},
      /* history  */ {fields_of(id, group, since, limit, reverse), fields_of(id)},
      /* refresh  */ {fields_of(id, token), fields_of(id, token)},
      /* ping     */ {fields_of(received)},
      /* call     */ {fields_of(id, group, name, timeout_ms) | payload, fields_of(name), true},
  }};
}();

constexpr const type_rule& rule_of(frame_type type) {
  return rules[static_cast<std::size_t>(type)];
}

// What single fields may say; words stand in the order of their enum.
inline constexpr name_table<3> presence_words({"none", "count", "full"});
inline constexpr name_table<2> interest_words({"full", "direct"});
inline constexpr name_table<3> confirm_words({"queued", "written", "received"});

inline constexpr std::int64_t ttl_s_max = 60;
inline constexpr std::int64_t timeout_ms_min = 50;
inline constexpr std::int64_t timeout_ms_max = 60'000;
inline constexpr std::size_t call_name_bytes_max = 64;
inline constexpr std::int64_t page_max = std::int64_t{1} << 31;

} // namespace beckon::protocol
