#include "protocol/names.hpp"

#include <algorithm>

namespace beckon::protocol {
namespace {

/// Length of the UTF-8 character (RFC 3629) that `text` starts with, of two bytes or more; 0 when
/// there is none, or a control character of C1 (U+0080 to U+009F).
std::size_t wide_character(std::string_view text) noexcept {
  struct lead {
    unsigned char first, last;     // of the first byte
    unsigned char lowest, highest; // of the second byte; all that follow are 80 to BF
    std::size_t length;
  };
  constexpr lead leads[] = {
      {0xC2, 0xC2, 0xA0, 0xBF, 2}, // 80 to 9F would be C1
      {0xC3, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
      {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
      {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
  };
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (const auto& l : leads) {
    if (byte(0) < l.first || byte(0) > l.last)
      continue;
    if (text.size() < l.length || byte(1) < l.lowest || byte(1) > l.highest)
      return 0;
    for (std::size_t i = 2; i < l.length; ++i)
      if (byte(i) < 0x80 || byte(i) > 0xBF)
        return 0;
    return l.length;
  }
  return 0;
}

/// Names also come from URLs and tokens, so their UTF-8 is checked here, not only by the JSON
/// grammar.
bool is_name(std::string_view name, std::size_t bytes_max) noexcept {
  if (name.empty() || name.size() > bytes_max || name.front() == '$')
    return false;
  while (!name.empty()) {
    auto c = static_cast<unsigned char>(name.front());
    if (c < 0x20 || c == 0x7F)
      return false;
    auto length = c < 0x80 ? 1 : wide_character(name);
    if (length == 0)
      return false;
    name.remove_prefix(length);
  }
  return true;
}

} // namespace

bool is_group_name(std::string_view name, const limits& bounds) noexcept {
  return is_name(name, bounds.group_bytes_max);
}

bool is_uid(std::string_view uid, const limits& bounds) noexcept {
  return is_name(uid, bounds.uid_bytes_max);
}

bool is_error_code(std::string_view code) noexcept {
  constexpr std::size_t bytes_max = 64;
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !code.empty() && code.size() <= bytes_max && std::ranges::all_of(code, allowed);
}

} // namespace beckon::protocol
