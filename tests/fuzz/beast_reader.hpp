#pragma once
// The same inbound WebSocket by Boost.Beast, to compare ours with. Owns: nothing of the product; it
// is fed all bytes at once.

#include "protocol/codes.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace beckon::test {

/// Thrown through Beast's synchronous read when there is no byte left.
struct no_more {};

/// What Beast takes for a socket: bytes in memory.
class memory {
public:
  using executor_type = boost::asio::io_context::executor_type;
  explicit memory(executor_type executor) : executor_(executor) {}
  executor_type get_executor() const noexcept { return executor_; }

  std::span<const char> input;
  std::string output;

  template <class Buffers>
  std::size_t read_some(const Buffers& to, boost::system::error_code& ec) {
    if (input.empty())
      throw no_more{};
    ec = {};
    auto n = boost::asio::buffer_copy(to, boost::asio::const_buffer(input.data(), input.size()));
    input = input.subspan(n);
    return n;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& from, boost::system::error_code& ec) {
    ec = {};
    auto before = output.size();
    for (auto i = boost::asio::buffer_sequence_begin(from),
              end = boost::asio::buffer_sequence_end(from);
         i != end; ++i) {
      boost::asio::const_buffer piece(*i);
      output.append(static_cast<const char*>(piece.data()), piece.size());
    }
    return output.size() - before;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& to) {
    boost::system::error_code ec;
    return read_some(to, ec);
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& from) {
    boost::system::error_code ec;
    return write_some(from, ec);
  }

private:
  executor_type executor_;
};

inline void teardown(boost::beast::role_type, memory&, boost::system::error_code& ec) {
  ec = {};
}
inline void beast_close_socket(memory&) {}

struct beast_result {
  std::vector<std::string> messages; ///< `t` or `b` and the bytes
  bool closed = false;
  std::optional<protocol::close_code> failure;
};

/// Beast's answer to an upgrade; empty when it refuses it.
template <class Request>
std::string answer_by_beast(const Request& upgrade) {
  boost::asio::io_context loop;
  boost::beast::websocket::stream<memory, false> stream(loop.get_executor());
  boost::system::error_code ec;
  stream.accept(upgrade, ec);
  return ec ? std::string() : stream.next_layer().output;
}

/// Reads all messages of an upgraded client's bytes.
template <class Request>
beast_result read_by_beast(const Request& upgrade, std::span<const char> bytes,
                           std::size_t message_bytes_max) {
  namespace ws = boost::beast::websocket;
  static boost::asio::io_context loop;
  ws::stream<memory, false> stream(loop.get_executor());
  stream.read_message_max(message_bytes_max);
  boost::system::error_code ec;
  stream.accept(upgrade, ec);
  stream.next_layer().input = bytes;
  beast_result result;
  try {
    for (;;) {
      boost::beast::flat_buffer message;
      stream.read(message, ec);
      if (ec)
        break;
      result.messages.push_back(
          (stream.got_text() ? "t" : "b") +
          std::string(static_cast<const char*>(message.data().data()), message.size()));
    }
  } catch (const no_more&) {
    return result;
  }
  result.closed = ec == ws::error::closed;
  if (!result.closed)
    result.failure = ec == ws::error::message_too_big     ? protocol::close_code::too_big
                     : ec == ws::error::bad_frame_payload ? protocol::close_code::invalid_utf8
                                                          : protocol::close_code::protocol_error;
  return result;
}

} // namespace beckon::test
