#pragma once
// The operator's HTTP on an address of its own: /healthz, /readyz, /metrics, /cluster, and the
// behaviour of a group. Owns: its acceptor. Runs on the main thread, beside the signals; small on
// purpose: one request per connection, refused to browsers (an Origin). What changes something
// wants the operator's key.

#include "net/services.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace beckon::net {

/// What became of a question about a group's behaviour.
struct behaviour_answer {
  enum class kind { good, no_group, no_behaviour, failed, later };
  kind what = kind::good;
  std::string behaviour;              ///< good: the one it has now; empty: none
  std::string why;                    ///< failed: what went wrong; it has the one that it had
  std::chrono::microseconds pause{0}; ///< good, after a swap: how long the group did nothing else
};
/// Called once, on any thread.
using behaviour_told = std::function<void(behaviour_answer)>;

/// What the listener tells and does.
struct operator_services {
  std::string key; ///< of who may change something; empty: nobody may
  std::function<std::string()> metrics;
  std::function<std::string()> cluster; ///< says nothing when the node is alone
  std::function<void(std::string group, behaviour_told)> behaviour_of;
  std::function<void(std::string group, std::string behaviour, behaviour_told)> swap_behaviour;
};

class operator_listener {
public:
  using endpoint = boost::asio::ip::tcp::endpoint;
  /// Longest time that one request may take.
  static constexpr std::chrono::seconds request_max{5};
  static constexpr std::size_t connections_max = 32;
  /// Longest body; 413 above.
  static constexpr std::size_t body_bytes_max = 64 * 1024;

  /// @throws boost::system::system_error when the address cannot be bound
  operator_listener(services& around, boost::asio::io_context& loop, const endpoint& where,
                    operator_services offers);
  endpoint where() const { return acceptor_.local_endpoint(); }
  void start();
  void stop();

private:
  struct request;
  using loop_executor = boost::asio::io_context::executor_type;
  template <class T>
  using task_of = boost::asio::awaitable<T, loop_executor>;
  using task = task_of<void>;
  using acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, loop_executor>;
  using socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, loop_executor>;
  task accept();
  task answer(socket client);
  task_of<std::string> answer_to(socket& client);
  using question = std::function<void(behaviour_told)>;
  task_of<std::string> swap(socket& client, request& asked, const std::string& group);
  task_of<std::string> ask(const std::string& group, const question& asked);
  std::string page(const request& asked) const;
  unsigned refusal_of_key(const request& asked) const;

  services& around_;
  boost::asio::io_context& loop_;
  acceptor acceptor_;
  operator_services offers_;
  std::size_t connections_ = 0;
};

} // namespace beckon::net
