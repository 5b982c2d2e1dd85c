#pragma once
// The WebSocket protocol of one connection, inbound (RFC 6455, 5): bytes in, messages out; pings
// and closes are answered. Owns: the part of a frame or message that has come so far. No extension
// is negotiated, so that no frame has a reserved bit. Driven by the connection, ends with it.

#include "protocol/codes.hpp"
#include "protocol/limits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace beckon::net {

/// Takes what a connection's client sends. Implemented by the connection.
class message_sink {
public:
  /// A whole message. It lies in the buffer that was fed: valid within the call.
  virtual void on_message(std::string_view message, bool is_text) = 0;
  virtual void on_control(std::size_t bytes) = 0; ///< a ping or pong came
  virtual bool wants_more() const = 0;            ///< false: what follows has to wait

protected:
  ~message_sink() = default;
};

class websocket {
public:
  websocket(const protocol::limits& bounds, message_sink& sink)
      : bounds_(bounds), sink_(sink), message_bytes_max_(bounds.frame_bytes_before_auth_max) {}

  /// Larger messages from here on.
  void authenticated() noexcept { message_bytes_max_ = bounds_.frame_bytes_max; }

  /// Takes bytes, which are unmasked where they stand; what cannot be used yet is kept. Once it has
  /// ended, they are ignored.
  void feed(std::span<char> bytes);
  /// We have said our last word: of what comes only the client's close matters from here on.
  void expect_close() noexcept;
  /// Part of a message or frame is here, and the rest is missing.
  bool incomplete() const noexcept { return frame_left_ > 0 || in_message_ || !kept_.empty(); }

  /// Memory of that.
  std::size_t held() const noexcept { return partial_.capacity() + kept_.capacity(); }

  enum class state : std::uint8_t {
    open,
    closed_by_client, ///< its close has been answered
    failed,           ///< it broke the protocol; `failure` says how
  };
  state now() const noexcept { return state_; }
  protocol::close_code failure() const noexcept { return failure_; }

  /// Answers to pings and to a close. Take them after every call.
  std::string& output() noexcept { return output_; }

private:
  enum class opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
  };
  struct frame_header {
    bool final = false;
    unsigned reserved = 0; ///< three bits
    unsigned opcode = 0;
    bool masked = false;
    bool shortest = true; ///< its length is written in as few bytes as can be
    std::size_t header_bytes = 0;
    std::uint64_t payload_bytes = 0;
    std::array<char, 4> mask{};
    bool is_control() const noexcept { return (opcode & 8) != 0; }
  };
  static std::optional<frame_header> read_header(std::span<const char> bytes);
  static void unmask(std::span<char> bytes, std::array<char, 4> mask);
  std::span<char> take_wanted(std::span<char> bytes);
  void keep(std::span<char> left);
  std::size_t take(std::span<char> bytes);
  std::size_t skip(std::span<char> bytes);
  bool acceptable(const frame_header& h);
  std::optional<protocol::close_code> fault_of(const frame_header& h) const;
  std::size_t take_control(const frame_header& h, std::span<char> bytes);
  void answer_close(std::string_view payload);
  void answer(opcode op, std::string_view payload);
  std::size_t take_payload(std::span<char> bytes);
  void deliver(std::string_view message);
  bool check_text();
  void fail(protocol::close_code why);

  const protocol::limits& bounds_;
  message_sink& sink_;
  std::size_t message_bytes_max_;
  std::string kept_; ///< from kept_at_ on: not wanted yet, or no whole header or control frame
  std::size_t kept_at_ = 0;
  std::string partial_; ///< of a message
  std::string output_;
  std::size_t checked_ = 0; ///< bytes of partial_ that are whole characters
  std::uint64_t frame_left_ = 0;
  std::size_t fragments_ = 0;  ///< of this message
  std::array<char, 4> mask_{}; ///< of this frame, turned to its next byte
  bool frame_final_ = false;   ///< this frame is its message's last
  bool in_message_ = false;
  bool is_text_ = false;
  bool expects_close_ = false;
  state state_ = state::open;
  protocol::close_code failure_ = protocol::close_code::protocol_error;
};

/// Appends a close frame (RFC 6455, 5.5.1) whose reason is the code's name.
void append_close(std::string& out, protocol::close_code why);

} // namespace beckon::net
