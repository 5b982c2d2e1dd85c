#pragma once
// Base64 with padding (RFC 4648, 4): how opaque bytes travel in text frames. Owns: the alphabet and
// its rules.

#include <cstddef>
#include <string>
#include <string_view>

namespace beckon::protocol {

/// Length of `bytes` bytes as base64.
constexpr std::size_t base64_bytes(std::size_t bytes) noexcept {
  return (bytes + 2) / 3 * 4;
}

/// Writes base64_bytes(bytes.size()) characters to `out`. @returns their end.
char* write_base64(char* out, std::string_view bytes) noexcept;

void append_base64(std::string& out, std::string_view bytes);

/// Appends the decoded `text` to `out`. Refuses a wrong length, foreign characters and non-zero
/// trailing bits; `out` is then as it was.
bool decode_base64(std::string_view text, std::string& out);

} // namespace beckon::protocol
