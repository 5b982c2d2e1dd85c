#pragma once
// WebSocket frames as a client writes and reads them (RFC 6455, 5.2). Owns nothing: bytes in, bytes
// out. Written for the generator alone, so that a mistake in the server's framing cannot hide
// behind the same mistake here.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace load {

enum class opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

using mask_key = std::array<char, 4>;

/// Appends a final, masked frame.
void append_masked(std::string& out, opcode kind, std::string_view payload, mask_key key);

struct server_frame {
  opcode kind = opcode::text;
  std::string_view payload; ///< points into the bytes given
  std::size_t wire_bytes = 0;
};

enum class parsed : std::uint8_t {
  whole,
  partial, ///< more bytes are needed
  broken,  ///< masked, fragmented or with reserved bits: no server that we measure sends these
};

/// Reads the first frame of `bytes` into `frame`.
parsed parse_frame(std::string_view bytes, server_frame& frame);

} // namespace load
