#include "net/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace beckon::net {
namespace {

/// Bytes of the character that starts with `lead`; 0: none does.
std::size_t character_bytes(unsigned char lead) {
  if (lead < 0x80)
    return 1;
  if (lead < 0xC2) // a continuation, or an overlong form
    return 0;
  if (lead < 0xE0)
    return 2;
  if (lead < 0xF0)
    return 3;
  return lead < 0xF5 ? 4 : 0;
}

/// Whether `second` may follow `lead`: overlong forms, surrogates and what is above U+10FFFF show
/// here.
bool may_follow(unsigned char lead, unsigned char second) {
  switch (lead) {
  case 0xE0:
    return second >= 0xA0 && second < 0xC0;
  case 0xED:
    return second >= 0x80 && second < 0xA0;
  case 0xF0:
    return second >= 0x90 && second < 0xC0;
  case 0xF4:
    return second >= 0x80 && second < 0x90;
  default:
    return second >= 0x80 && second < 0xC0;
  }
}

std::size_t ascii_bytes(std::string_view bytes) {
  std::size_t length = 0;
  for (std::uint64_t block; length + sizeof block <= bytes.size(); length += sizeof block) {
    std::memcpy(&block, bytes.data() + length, sizeof block);
    if (block & 0x8080808080808080)
      break;
  }
  while (length < bytes.size() && static_cast<unsigned char>(bytes[length]) < 0x80)
    ++length;
  return length;
}

} // namespace

std::optional<std::size_t> whole_characters(std::string_view bytes) noexcept {
  std::size_t whole = 0;
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[whole + i]); };
  for (;;) {
    whole += ascii_bytes(bytes.substr(whole));
    if (whole == bytes.size())
      return whole;
    auto length = character_bytes(at(0));
    auto here = bytes.size() - whole;
    if (length == 0 || (here > 1 && !may_follow(at(0), at(1))))
      return std::nullopt;
    for (std::size_t i = 2; i < length && i < here; ++i)
      if ((at(i) & 0xC0) != 0x80)
        return std::nullopt;
    if (here < length)
      return whole;
    whole += length;
  }
}

} // namespace beckon::net
