#pragma once
// The WebSocket protocol of one connection, inbound: bytes in, messages out. Beast does masking,
// UTF-8, reassembly and control frames; what it lets pass and should not (fragments without end,
// close codes over 4999) is refused here. Owns: a message that has come in part only. Driven by the
// connection, ends with it.

#include "net/memory_layer.hpp"
#include "protocol/codes.hpp"
#include "protocol/limits.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace beckon::net {

using upgrade_request = boost::beast::http::request<boost::beast::http::empty_body>;

/// Takes what a connection's client sends. Implemented by the connection.
class message_sink {
public:
  virtual void on_message(std::string_view message, bool is_text) = 0;
  virtual void on_control(std::size_t bytes) = 0; ///< a ping or pong came
  virtual bool wants_more() const = 0;            ///< false: what follows has to wait

protected:
  ~message_sink() = default;
};

class websocket {
public:
  websocket(memory_layer::executor_type executor, const protocol::limits& bounds,
            message_sink& sink);

  /// Answers an upgrade that has been checked. The response is in `output`.
  void accept(const upgrade_request& request);
  /// Larger messages from here on.
  void authenticated() { stream_.read_message_max(bounds_.frame_bytes_max); }

  /// Takes bytes; what cannot be used yet is kept. Once it has ended, they are ignored.
  void feed(std::span<const char> bytes);
  /// Bytes are kept that may be used once the sink wants more.
  bool has_kept() const noexcept { return !kept_.empty(); }
  /// Part of a message or frame is here, and the rest is missing.
  bool incomplete() const noexcept {
    return frame_left_ > 0 || !partial_.empty() || !kept_.empty() || in_fragments_;
  }

  enum class state : std::uint8_t {
    open,
    closed_by_client, ///< its close has been answered
    failed,           ///< it broke the protocol; `failure` says how
  };
  state now() const noexcept { return state_; }
  protocol::close_code failure() const noexcept { return failure_; }

  /// What Beast wants to send. Take it after every call.
  std::string& output() { return stream_.next_layer().output; }

private:
  struct frame_header {
    unsigned opcode = 0;
    bool final = false;
    std::size_t header_bytes = 0;
    std::uint64_t payload_bytes = 0;
  };
  static std::optional<frame_header> read_header(std::span<const char> bytes);
  std::size_t next_chunk(std::span<const char> bytes, std::uint64_t& expected);
  bool acceptable(const frame_header& h, std::span<const char> bytes);
  void consume(std::span<const char> chunk, std::uint64_t expected);
  void deliver(std::string_view piece);
  void fail(protocol::close_code why);
  void fail(boost::system::error_code ec);

  using stream = boost::beast::websocket::stream<memory_layer, false>; // no compression is offered
  stream stream_;
  const protocol::limits& bounds_;
  message_sink& sink_;
  std::string kept_;    ///< bytes that no whole frame header or control frame was made of
  std::string partial_; ///< of a message
  std::uint64_t frame_left_ = 0;
  std::size_t fragments_ = 0;
  bool in_fragments_ = false;
  state state_ = state::open;
  protocol::close_code failure_ = protocol::close_code::protocol_error;
};

/// Appends a close frame (RFC 6455, 5.5.1) whose reason is the code's name.
void append_close(std::string& out, protocol::close_code why);

} // namespace beckon::net
