#pragma once
// The bytes between two gates: TCP, and inside it TLS unless the cluster is insecure. Owns: the
// socket. Gate's thread only; `close` ends whatever waits.

#include "net/cluster_judge.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace beckon::net {

class cluster_wire {
public:
  using executor = boost::asio::io_context::executor_type;
  using socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, executor>;
  template <class T>
  using task = boost::asio::awaitable<T, executor>;
  using io_result = std::tuple<boost::system::error_code, std::size_t>;
  static constexpr auto use_tuple = boost::asio::as_tuple(boost::asio::use_awaitable_t<executor>{});

  /// @param tls outlives the wire; null: insecure
  cluster_wire(socket connected, boost::asio::ssl::context* tls);

  task<boost::system::error_code> shake_hands(gate_role role);
  task<io_result> read_some(boost::asio::mutable_buffer into);
  /// Until `into` is full.
  task<io_result> read(boost::asio::mutable_buffer into);
  task<io_result> write(boost::asio::const_buffer bytes);
  void close();

  bool is_secure() const { return stream_.index() == 1; }
  /// That the peer's certificate gives it; none without TLS.
  std::vector<std::string> peer_names() const;

private:
  using tls_stream = boost::asio::ssl::stream<socket>;
  std::variant<socket, tls_stream> stream_;
};

} // namespace beckon::net
