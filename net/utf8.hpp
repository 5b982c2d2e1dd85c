#pragma once
// Whether bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
// Owns: nothing. Asked for every text message before anything reads it.

#include <cstddef>
#include <optional>
#include <string_view>

namespace beckon::net {

/// @returns how many of the bytes are whole characters: fewer than all when the last one is cut
/// off, and may still become one; nothing when the bytes are not UTF-8.
std::optional<std::size_t> whole_characters(std::string_view bytes) noexcept;

inline bool is_utf8(std::string_view bytes) noexcept {
  return whole_characters(bytes) == bytes.size();
}

} // namespace beckon::net
