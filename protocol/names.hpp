#pragma once
// The names that clients choose. Owns: what may stand in one (protocol.md sections 4 and 8).
// Compared byte by byte: neither case nor normal form matters to them.

#include "protocol/limits.hpp"

#include <string_view>

namespace beckon::protocol {

/// A group's name: 1..group_bytes_max bytes of UTF-8, no control characters (C0, DEL, C1), no
/// leading `$`.
bool is_group_name(std::string_view name, const limits& bounds) noexcept;
/// A user's or member's uid: 1..uid_bytes_max bytes, as above.
bool is_uid(std::string_view uid, const limits& bounds) noexcept;
/// A client's own error code, in a reply that says no: 1..64 of [a-z0-9_].
bool is_error_code(std::string_view code) noexcept;

} // namespace beckon::protocol
