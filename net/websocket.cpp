#include "net/websocket.hpp"

#include "net/utf8.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace beckon::net {

using protocol::close_code;

namespace {

constexpr std::size_t control_bytes_max = 125; ///< RFC 6455, 5.5

unsigned byte(std::span<const char> bytes, std::size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

std::string_view view(std::span<const char> bytes) {
  return {bytes.data(), bytes.size()};
}

/// Close codes that a client may send (RFC 6455, 7.4, and the registry of IANA).
bool is_close_code(unsigned code) {
  auto defined = code >= 1000 && code <= 1013 && (code < 1004 || code > 1006);
  return defined || (code >= 3000 && code <= 4999);
}

} // namespace

// ---- from bytes to frames
// -----------------------------------------------------------------------------------------

void websocket::feed(std::span<char> bytes) {
  if (!kept_.empty()) {
    kept_.append(bytes.data(), bytes.size());
    bytes = std::span(kept_).subspan(kept_at_);
  }
  auto left = take_wanted(bytes);
  keep(state_ == state::open ? left : std::span<char>{});
}

/// @returns what is left
std::span<char> websocket::take_wanted(std::span<char> bytes) {
  while (!bytes.empty() && state_ == state::open && sink_.wants_more()) {
    auto taken = expects_close_ ? skip(bytes) : take(bytes);
    if (taken == 0)
      break;
    bytes = bytes.subspan(taken);
  }
  return bytes;
}

/// Keeps the end of what was fed where it lies, until half of that memory is of no use: however
/// often it is not wanted yet, a byte is copied twice or so.
void websocket::keep(std::span<char> left) {
  if (kept_.empty() && left.empty())
    return;
  if (!kept_.empty() && left.size() > kept_.size() / 2) {
    kept_at_ = kept_.size() - left.size();
    return;
  }
  std::string(left.data(), left.size()).swap(kept_); // to assign a short one would keep the memory
  kept_at_ = 0;
}

void websocket::expect_close() noexcept {
  expects_close_ = true;
  std::string().swap(partial_); // `= {}` would keep the memory
}

/// Passes over a frame, or what is here of it, unless it is a close.
std::size_t websocket::skip(std::span<char> bytes) {
  if (frame_left_ == 0) {
    auto h = read_header(bytes);
    if (!h)
      return 0;
    if (h->opcode == static_cast<unsigned>(opcode::close))
      return acceptable(*h) ? take_control(*h, bytes) : 0;
    frame_left_ = h->payload_bytes;
    return h->header_bytes;
  }
  auto here = static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, bytes.size()));
  frame_left_ -= here;
  return here;
}

/// Takes a frame, or what is here of its payload. @returns the bytes taken; 0: more must come
/// first.
std::size_t websocket::take(std::span<char> bytes) {
  if (frame_left_ > 0)
    return take_payload(bytes);
  auto h = read_header(bytes);
  if (!h || !acceptable(*h))
    return 0;
  if (h->is_control())
    return take_control(*h, bytes);
  if (h->opcode != static_cast<unsigned>(opcode::continuation))
    is_text_ = h->opcode == static_cast<unsigned>(opcode::text);
  auto payload = bytes.subspan(h->header_bytes);
  if (h->final && !in_message_ && payload.size() >= h->payload_bytes) { // nearly every frame
    payload = payload.first(static_cast<std::size_t>(h->payload_bytes));
    unmask(payload, h->mask);
    deliver(view(payload));
    return h->header_bytes + payload.size();
  }
  in_message_ = true;
  frame_final_ = h->final;
  frame_left_ = h->payload_bytes;
  mask_ = h->mask;
  return h->header_bytes + take_payload(payload);
}

std::optional<websocket::frame_header> websocket::read_header(std::span<const char> bytes) {
  if (bytes.size() < 2)
    return std::nullopt;
  frame_header h;
  h.final = (byte(bytes, 0) & 0x80) != 0;
  h.reserved = byte(bytes, 0) >> 4 & 7;
  h.opcode = byte(bytes, 0) & 15;
  h.masked = (byte(bytes, 1) & 0x80) != 0;
  auto length = byte(bytes, 1) & 127;
  std::size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
  auto mask_at = 2 + length_bytes;
  h.header_bytes = mask_at + (h.masked ? h.mask.size() : 0);
  if (bytes.size() < h.header_bytes)
    return std::nullopt;
  h.payload_bytes = length_bytes ? 0 : length;
  for (std::size_t i = 0; i < length_bytes; ++i)
    h.payload_bytes = h.payload_bytes << 8 | byte(bytes, 2 + i);
  h.shortest = length_bytes == 0 || h.payload_bytes > (length_bytes == 2 ? 125U : 65'535U);
  if (h.masked)
    std::memcpy(h.mask.data(), bytes.data() + mask_at, h.mask.size());
  return h;
}

/// Checks what the header alone says; a payload that is refused is not waited for.
bool websocket::acceptable(const frame_header& h) {
  if (auto fault = fault_of(h))
    return fail(*fault), false;
  if (!h.is_control() && ++fragments_ > bounds_.fragments_max)
    return fail(close_code::policy_violation), false;
  return true;
}

std::optional<close_code> websocket::fault_of(const frame_header& h) const {
  constexpr auto wrong = close_code::protocol_error;
  if (h.reserved != 0 || !h.masked || !h.shortest)
    return wrong;
  switch (static_cast<opcode>(h.opcode)) {
  case opcode::close:
  case opcode::ping:
  case opcode::pong:
    return h.final && h.payload_bytes <= control_bytes_max ? std::nullopt : std::optional(wrong);
  case opcode::continuation:
    if (!in_message_)
      return wrong;
    break;
  case opcode::text:
  case opcode::binary:
    if (in_message_)
      return wrong;
    break;
  default:
    return wrong;
  }
  auto room = message_bytes_max_ - std::min(message_bytes_max_, partial_.size());
  return h.payload_bytes > room ? std::optional(close_code::too_big) : std::nullopt;
}

/// Payload is masked by four bytes in turn (RFC 6455, 5.3).
void websocket::unmask(std::span<char> bytes, std::array<char, 4> mask) {
  std::uint64_t pattern;
  std::memcpy(&pattern, mask.data(), 4);
  std::memcpy(reinterpret_cast<char*>(&pattern) + 4, mask.data(), 4);
  std::size_t i = 0;
  for (std::uint64_t block; i + sizeof block <= bytes.size(); i += sizeof block) {
    std::memcpy(&block, bytes.data() + i, sizeof block);
    block ^= pattern;
    std::memcpy(bytes.data() + i, &block, sizeof block);
  }
  for (; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(bytes[i] ^ mask[i % 4]);
}

// ---- control frames
// -----------------------------------------------------------------------------------------------

std::size_t websocket::take_control(const frame_header& h, std::span<char> bytes) {
  auto length = h.header_bytes + static_cast<std::size_t>(h.payload_bytes);
  if (bytes.size() < length)
    return 0;
  auto payload = bytes.subspan(h.header_bytes, length - h.header_bytes);
  unmask(payload, h.mask);
  if (static_cast<opcode>(h.opcode) == opcode::close) {
    answer_close(view(payload));
    return length;
  }
  if (static_cast<opcode>(h.opcode) == opcode::ping)
    answer(opcode::pong, view(payload));
  sink_.on_control(length);
  return length;
}

/// Echoes the client's code and reason, as they came.
void websocket::answer_close(std::string_view payload) {
  auto has_code = payload.size() >= 2;
  auto code = has_code ? byte(payload, 0) << 8 | byte(payload, 1) : 0;
  if (!payload.empty() && (!has_code || !is_close_code(code) || !is_utf8(payload.substr(2))))
    return fail(close_code::protocol_error);
  answer(opcode::close, payload);
  state_ = state::closed_by_client;
}

void websocket::answer(opcode op, std::string_view payload) {
  output_ += static_cast<char>(0x80 | static_cast<unsigned>(op));
  output_ += static_cast<char>(payload.size());
  output_ += payload;
}

// ---- from frames to messages
// --------------------------------------------------------------------------------------

/// Takes what is here of a frame's payload; at the end of the last frame, delivers the message.
std::size_t websocket::take_payload(std::span<char> bytes) {
  auto here =
      bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, bytes.size())));
  unmask(here, mask_);
  auto mask = mask_;
  for (std::size_t i = 0; i < mask.size(); ++i)
    mask_[i] = mask[(here.size() + i) % mask.size()];
  partial_.append(here.data(), here.size());
  frame_left_ -= here.size();
  if (is_text_ && !check_text())
    return here.size();
  if (frame_left_ == 0 && frame_final_)
    deliver(std::exchange(partial_, {}));
  return here.size();
}

/// A text that is wrong ends the connection before the rest of it has come.
bool websocket::check_text() {
  auto whole = whole_characters(std::string_view(partial_).substr(checked_));
  if (!whole)
    return fail(close_code::invalid_utf8), false;
  checked_ += *whole;
  return true;
}

void websocket::deliver(std::string_view message) {
  fragments_ = 0;
  in_message_ = false;
  auto checked = std::exchange(checked_, 0);
  if (is_text_ && !is_utf8(message.substr(checked)))
    return fail(close_code::invalid_utf8);
  sink_.on_message(message, is_text_);
}

void websocket::fail(close_code why) {
  state_ = state::failed;
  failure_ = why;
}

void append_close(std::string& out, close_code why) {
  auto reason = protocol::name(why);
  out += static_cast<char>(0x88);
  out += static_cast<char>(2 + reason.size());
  out += static_cast<char>(static_cast<unsigned>(why) >> 8);
  out += static_cast<char>(static_cast<unsigned>(why) & 255);
  out += reason;
}

} // namespace beckon::net
