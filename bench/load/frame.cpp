#include "frame.hpp"

namespace load {

namespace {

constexpr unsigned char final_bit = 0x80;
constexpr unsigned char mask_bit = 0x80;

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes)
    value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

void append_big_endian(std::string& out, std::uint64_t value, unsigned bytes) {
  while (bytes-- != 0)
    out += static_cast<char>(value >> (8 * bytes) & 0xff);
}

} // namespace

void append_masked(std::string& out, opcode kind, std::string_view payload, mask_key key) {
  out += static_cast<char>(final_bit | static_cast<unsigned char>(kind));
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(mask_bit | 126);
    append_big_endian(out, payload.size(), 2);
  } else {
    out += static_cast<char>(mask_bit | 127);
    append_big_endian(out, payload.size(), 8);
  }
  out.append(key.data(), key.size());
  for (std::size_t i = 0; i != payload.size(); ++i)
    out += static_cast<char>(payload[i] ^ key[i % key.size()]);
}

parsed parse_frame(std::string_view bytes, server_frame& frame) {
  if (bytes.size() < 2)
    return parsed::partial;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  if ((first & 0xf0) != final_bit || (second & mask_bit) != 0)
    return parsed::broken;

  std::uint64_t length = second;
  std::size_t header_bytes = 2;
  if (length >= 126) {
    const std::size_t length_bytes = length == 126 ? 2 : 8;
    header_bytes += length_bytes;
    if (bytes.size() < header_bytes)
      return parsed::partial;
    length = big_endian(bytes.substr(2, length_bytes));
  }
  if (bytes.size() - header_bytes < length)
    return parsed::partial;

  frame.kind = static_cast<opcode>(first & 0x0f);
  frame.payload = bytes.substr(header_bytes, length);
  frame.wire_bytes = header_bytes + length;
  return parsed::whole;
}

} // namespace load
