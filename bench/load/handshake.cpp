#include "handshake.hpp"

namespace load {

namespace {

/// The example of RFC 6455, section 1.3.
constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view answer_to_key = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

} // namespace

std::string upgrade_request(const dialect& words, const values& who, std::uint16_t port) {
  std::string text = "GET " + fill(words.target, who) + " HTTP/1.1\r\nHost: 127.0.0.1:";
  text += std::to_string(port);
  text += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: ";
  text += key;
  if (!words.sub_protocol.empty()) {
    text += "\r\nSec-WebSocket-Protocol: ";
    text += words.sub_protocol;
  }
  return text += "\r\n\r\n";
}

upgrade_answer parse_upgrade_answer(std::string_view bytes) {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  const auto end = bytes.find(end_of_head);
  if (end == std::string_view::npos)
    return {};
  const auto head = bytes.substr(0, end);
  return {.bytes = end + end_of_head.size(),
          .is_upgraded = head.starts_with("HTTP/1.1 101 ") &&
                         head.find(answer_to_key) != std::string_view::npos,
          .status = head.substr(0, head.find('\r'))};
}

} // namespace load
