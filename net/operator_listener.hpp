#pragma once
// The operator's HTTP: /healthz, /readyz, /metrics, /cluster on an address of its own. Owns: its
// acceptor. Runs on the main thread, beside the signals; small on purpose: one request per
// connection, refused to browsers (an Origin).

#include "net/services.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

namespace beckon::net {

class operator_listener {
public:
  using endpoint = boost::asio::ip::tcp::endpoint;
  /// Longest time that one request may take.
  static constexpr std::chrono::seconds request_max{5};
  static constexpr std::size_t connections_max = 32;

  /// @throws boost::system::system_error when the address cannot be bound
  operator_listener(services& around, boost::asio::io_context& loop, const endpoint& where,
                    std::function<std::string()> metrics, std::function<std::string()> cluster);
  endpoint where() const { return acceptor_.local_endpoint(); }
  void start();
  void stop();

private:
  using loop_executor = boost::asio::io_context::executor_type;
  using task = boost::asio::awaitable<void, loop_executor>;
  using acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, loop_executor>;
  using socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, loop_executor>;
  task accept();
  task answer(socket client);
  std::string judge(const std::string& request) const;

  services& around_;
  boost::asio::io_context& loop_;
  acceptor acceptor_;
  std::function<std::string()> metrics_;
  std::function<std::string()> cluster_; ///< says nothing when the node is alone
  std::size_t connections_ = 0;
};

} // namespace beckon::net
