#include "protocol/base64.hpp"

#include <array>
#include <cstdint>

namespace beckon::protocol {
namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint32_t no_digit = 64;
/// Value of each base64 digit; `no_digit` for every other byte.
constexpr auto base64_values = [] {
  std::array<std::uint32_t, 256> table{};
  table.fill(no_digit);
  for (std::uint32_t i = 0; i < 64; ++i)
    table[static_cast<unsigned char>(base64_alphabet[i])] = i;
  return table;
}();

/// Decodes four characters, padded with up to `padding_max` `=`, to `out`.
/// @returns the end of what was written, nullptr when they are wrong.
char* decode_four(std::string_view four, std::size_t padding_max, char* out) {
  std::size_t padding = four[3] != '=' ? 0 : four[2] != '=' ? 1 : 2;
  if (padding > padding_max)
    return nullptr;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4 - padding; ++i) {
    auto digit = base64_values[static_cast<unsigned char>(four[i])];
    if (digit == no_digit)
      return nullptr;
    bits |= digit << (18 - 6 * i);
  }
  std::uint32_t unused_bits = padding == 0 ? 0 : padding == 1 ? 0xFF : 0xFFFF;
  if ((bits & unused_bits) != 0)
    return nullptr;
  for (std::size_t i = 0; i < 3 - padding; ++i)
    *out++ = static_cast<char>(bits >> (16 - 8 * i) & 0xFF);
  return out;
}

} // namespace

char* write_base64(char* out, std::string_view bytes) noexcept {
  auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
  auto digit = [&](std::uint32_t bits) { *out++ = base64_alphabet[bits & 0x3F]; };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    auto bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    digit(bits >> 18);
    digit(bits >> 12);
    digit(bits >> 6);
    digit(bits);
  }
  if (auto left = bytes.size() - i; left > 0) {
    auto bits = byte(i) << 16 | (left == 2 ? byte(i + 1) << 8 : 0);
    digit(bits >> 18);
    digit(bits >> 12);
    if (left == 2)
      digit(bits >> 6);
    else
      *out++ = '=';
    *out++ = '=';
  }
  return out;
}

void append_base64(std::string& out, std::string_view bytes) {
  auto start = out.size();
  out.resize(start + base64_bytes(bytes.size()));
  write_base64(out.data() + start, bytes);
}

bool decode_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0)
    return false;
  auto start = out.size();
  out.resize(start + text.size() / 4 * 3);
  auto* end = out.data() + start;
  for (std::size_t i = 0; i < text.size() && end; i += 4)
    end = decode_four(text.substr(i, 4), i + 4 == text.size() ? 2 : 0, end);
  out.resize(end ? static_cast<std::size_t>(end - out.data()) : start);
  return end != nullptr;
}

} // namespace beckon::protocol
