#pragma once
// The layer below Beast's WebSocket stream: memory in place of a socket. Owns: what Beast writes
// (pongs, the answer to a close, the handshake's response) until it is taken. Reads come from the
// bytes that the loop has just received.

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>
#include <span>
#include <string>

namespace beckon::net {

/// Thrown through Beast's synchronous read when it wants bytes that have not come: after a lone
/// control frame it looks for the next one. Beast takes an error code for a broken connection, so
/// it has to be this.
struct need_more {};

class memory_layer {
public:
  using executor_type = boost::asio::io_context::executor_type;
  explicit memory_layer(executor_type executor) : executor_(executor) {}
  executor_type get_executor() const noexcept { return executor_; }

  std::span<const char> input;
  std::string output;

  template <class Buffers>
  std::size_t read_some(const Buffers& to, boost::system::error_code& ec) {
    if (input.empty())
      throw need_more{};
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
              e = boost::asio::buffer_sequence_end(from);
         i != e; ++i) {
      boost::asio::const_buffer piece(*i);
      output.append(static_cast<const char*>(piece.data()), piece.size());
    }
    return output.size() - before;
  }
  // Beast asks for the throwing forms too; it never calls them here.
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

inline void teardown(boost::beast::role_type, memory_layer&, boost::system::error_code& ec) {
  ec = {};
}
inline void beast_close_socket(memory_layer&) {}

} // namespace beckon::net
