#include "net/websocket.hpp"

#include <algorithm>
#include <boost/beast/websocket/error.hpp>
#include <vector>

namespace beckon::net {
namespace {

namespace ws = boost::beast::websocket;

constexpr unsigned opcode_continuation = 0;
constexpr unsigned opcode_close = 8;
constexpr unsigned opcode_control = 8; ///< this bit is set in all control frames
constexpr std::size_t control_bytes_max = 125;
constexpr std::size_t bare_close_bytes = 4; ///< header and code
constexpr unsigned close_code_end = 5000;   ///< RFC 6455, 7.4.2: codes end at 4999

/// A message that arrives whole never touches the connection's memory.
thread_local std::vector<char> message_buffer(64 * 1024);

unsigned byte(std::span<const char> bytes, std::size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

} // namespace

websocket::websocket(memory_layer::executor_type executor, const protocol::limits& bounds,
                     message_sink& sink)
    : stream_(executor), bounds_(bounds), sink_(sink) {
  stream_.read_message_max(bounds.frame_bytes_before_auth_max);
}

void websocket::accept(const upgrade_request& request) {
  // The one sub-protocol there is; a client that offers none gets none named (RFC 6455, 4.1: it
  // would have to fail).
  if (request.count(boost::beast::http::field::sec_websocket_protocol) > 0)
    stream_.set_option(ws::stream_base::decorator([](ws::response_type& response) {
      response.set(boost::beast::http::field::sec_websocket_protocol, "beckon.v1");
    }));
  boost::system::error_code ec;
  stream_.accept(request, ec);
  stream_.set_option(ws::stream_base::decorator([](ws::response_type&) {}));
  if (ec)
    fail(protocol::close_code::protocol_error);
}

// ---- from bytes to frames
// -----------------------------------------------------------------------------------------

void websocket::feed(std::span<const char> bytes) {
  std::string joined;
  if (!kept_.empty()) {
    joined.swap(kept_);
    joined.append(bytes.data(), bytes.size());
    bytes = joined;
  }
  while (!bytes.empty() && state_ == state::open && sink_.wants_more()) {
    std::uint64_t expected = 0;
    auto length = next_chunk(bytes, expected);
    if (length == 0)
      break;
    consume(bytes.first(length), expected);
    bytes = bytes.subspan(length);
  }
  if (state_ == state::open)
    kept_.assign(bytes.data(), bytes.size());
}

/// How much of `bytes` Beast can be given without wanting more: a header with what there is of its
/// payload, or a whole control frame. `expected`: payload bytes of a message in it. 0: too little
/// is here, or the frame was refused.
std::size_t websocket::next_chunk(std::span<const char> bytes, std::uint64_t& expected) {
  if (frame_left_ > 0) {
    expected = std::min<std::uint64_t>(frame_left_, bytes.size());
    frame_left_ -= expected;
    return static_cast<std::size_t>(expected);
  }
  auto h = read_header(bytes);
  if (!h)
    return 0;
  if (!acceptable(*h, bytes))
    return 0;
  auto here = bytes.size() - h->header_bytes;
  // A payload that Beast refuses by its header alone is not waited for.
  auto refused = (h->opcode & opcode_control) ? h->payload_bytes > control_bytes_max
                                              : h->payload_bytes > bounds_.frame_bytes_max;
  if (refused)
    return bytes.size();
  if (h->opcode & opcode_control)
    return here < h->payload_bytes ? 0
                                   : h->header_bytes + static_cast<std::size_t>(h->payload_bytes);
  if (h->payload_bytes > 0 && here == 0)
    return 0;
  expected = std::min<std::uint64_t>(h->payload_bytes, here);
  frame_left_ = h->payload_bytes - expected;
  return h->header_bytes + static_cast<std::size_t>(expected);
}

std::optional<websocket::frame_header> websocket::read_header(std::span<const char> bytes) {
  if (bytes.size() < 2)
    return std::nullopt;
  frame_header h;
  h.final = byte(bytes, 0) & 0x80;
  h.opcode = byte(bytes, 0) & 15;
  auto length = byte(bytes, 1) & 127;
  auto masked = (byte(bytes, 1) & 128) != 0;
  std::size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
  h.header_bytes = 2 + length_bytes + (masked ? 4 : 0);
  if (bytes.size() < h.header_bytes)
    return std::nullopt;
  h.payload_bytes = length_bytes ? 0 : length;
  for (std::size_t i = 0; i < length_bytes; ++i)
    h.payload_bytes = h.payload_bytes << 8 | byte(bytes, 2 + i);
  return h;
}

/// What Beast 1.81 takes and a server should not.
bool websocket::acceptable(const frame_header& h, std::span<const char> bytes) {
  if (h.opcode & opcode_control) {
    auto whole = bytes.size() >= h.header_bytes + h.payload_bytes;
    if (h.opcode == opcode_close && h.payload_bytes >= 2 && h.payload_bytes <= control_bytes_max &&
        whole && h.header_bytes >= 6) {
      auto mask = h.header_bytes - 4;
      auto code = (byte(bytes, h.header_bytes) ^ byte(bytes, mask)) << 8 |
                  (byte(bytes, h.header_bytes + 1) ^ byte(bytes, mask + 1));
      if (code >= close_code_end)
        return fail(protocol::close_code::protocol_error), false;
    }
    return true;
  }
  auto here = bytes.size() - h.header_bytes;
  if (h.payload_bytes > 0 && here == 0 && h.payload_bytes <= bounds_.frame_bytes_max)
    return true; // met again with its payload
  fragments_ = h.opcode == opcode_continuation ? fragments_ + 1 : 1;
  in_fragments_ = !h.final;
  if (fragments_ > bounds_.fragments_max)
    return fail(protocol::close_code::policy_violation), false;
  return true;
}

// ---- from frames to messages
// --------------------------------------------------------------------------------------

void websocket::consume(std::span<const char> chunk, std::uint64_t expected) {
  auto control = frame_left_ == 0 && expected == 0 && (byte(chunk, 0) & opcode_control);
  stream_.next_layer().input = chunk;
  std::uint64_t got = 0;
  try {
    do {
      boost::system::error_code ec;
      auto n = stream_.read_some(boost::asio::buffer(message_buffer), ec);
      if (ec)
        return fail(ec);
      got += n;
      deliver({message_buffer.data(), n});
    } while (state_ == state::open && got < expected);
  } catch (const need_more&) {
    // A control frame was all there was.
  }
  if (control && state_ == state::open)
    sink_.on_control(chunk.size());
}

void websocket::deliver(std::string_view piece) {
  if (!stream_.is_message_done()) {
    partial_.append(piece);
    return;
  }
  in_fragments_ = false;
  if (partial_.empty())
    return sink_.on_message(piece, stream_.got_text());
  partial_.append(piece);
  auto whole = std::exchange(partial_, {});
  sink_.on_message(whole, stream_.got_text());
}

void websocket::fail(boost::system::error_code ec) {
  if (ec == ws::error::closed) {
    state_ = state::closed_by_client;
    return;
  }
  using protocol::close_code;
  // Beast's own close frame has no reason; the connection writes one that has.
  if (output().size() >= bare_close_bytes)
    output().resize(output().size() - bare_close_bytes);
  auto why = ec == ws::error::message_too_big     ? close_code::too_big
             : ec == ws::error::bad_frame_payload ? close_code::invalid_utf8
                                                  : close_code::protocol_error;
  fail(why);
}

void websocket::fail(protocol::close_code why) {
  state_ = state::failed;
  failure_ = why;
}

void append_close(std::string& out, protocol::close_code why) {
  auto reason = protocol::name(why);
  out += static_cast<char>(0x88);
  out += static_cast<char>(2 + reason.size());
  out += static_cast<char>(static_cast<unsigned>(why) >> 8);
  out += static_cast<char>(static_cast<unsigned>(why) & 255);
  out += reason;
}

} // namespace beckon::net
