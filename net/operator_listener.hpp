#pragma once
// The operators' HTTP on an address of its own: /healthz, /readyz, /metrics, /cluster, and the
// behaviour of a group. Owns: its acceptor, the table of its routes, and who is connected. Runs on
// the main thread, beside the signals.

#include "net/behaviour_calls.hpp"
#include "net/operator_access.hpp"
#include "net/operator_connection.hpp"
#include "net/router.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace beckon::net {

/// What the listener tells and does.
struct operator_services {
  std::string key;                ///< of who may change something; empty: nobody may
  std::vector<std::string> hosts; ///< names by which it may be asked
  const protocol::limits& bounds;
  const std::atomic<bool>& draining;
  std::function<std::string()> metrics;
  std::function<std::string()> cluster; ///< says nothing when the node is alone
  behaviour_services behaviours;
};

class operator_listener {
public:
  using endpoint = boost::asio::ip::tcp::endpoint;

  /// @throws boost::system::system_error when the address cannot be bound
  operator_listener(boost::asio::io_context& loop, const endpoint& where, operator_services offers);
  operator_listener(const operator_listener&) = delete;
  operator_listener& operator=(const operator_listener&) = delete;

  endpoint where() const { return acceptor_.local_endpoint(); }
  void start();
  void stop();

private:
  using acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, loop_executor>;
  using client = std::unique_ptr<operator_connection>;
  http_task<void> accept();
  http_task<void> serve(client connected);
  void accept_some();
  void welcome(operator_connection::socket connected);
  std::vector<route> routes();
  http_response ready() const;
  http_response cluster() const;

  boost::asio::io_context& loop_;
  acceptor acceptor_;
  operator_services offers_;
  behaviour_calls behaviours_;
  operator_access access_;
  router router_;
  operator_crowd crowd_;
  std::size_t connections_ = 0;
};

} // namespace beckon::net
