#pragma once
// The upgrade of a connection to WebSocket, as a client asks for it and checks the answer
// (RFC 6455, 4.1). Owns nothing: text in, text out. One key serves all connections, so that the
// answer is known beforehand.

#include "dialect.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace load {

std::string upgrade_request(const dialect& words, const values& who, std::uint16_t port);

struct upgrade_answer {
  std::size_t bytes = 0; ///< of the answer's head; 0: its end is still to come
  bool is_upgraded = false;
  std::string_view status; ///< its first line
};
upgrade_answer parse_upgrade_answer(std::string_view bytes);

} // namespace load
