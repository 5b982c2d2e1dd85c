#pragma once
// One connection to the operators' listener: requests in, answers out, one after the other. Owns:
// its socket, and the limits of a request. Owned by the coroutine that tells its story
// (`converse`); the crowd only knows it, and may cut it. The listener's thread.

#include "net/call_queue.hpp"
#include "net/http_call.hpp"
#include "net/operator_access.hpp"
#include "net/router.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace beckon::net {

/// All limits of the operators' listener but that of a group's answer (behaviour_calls).
struct operator_limits {
  /// Connections; over it the one goes that has been idle longest, else the one that has been
  /// reading or writing longest.
  static constexpr std::size_t connections_max = 256;
  /// Calls that are being answered, health apart: 503. Less than all connections, so that there is
  /// always one that may go.
  static constexpr std::size_t answers_max = 64;
  /// Request line and fields: 431.
  static constexpr std::uint32_t head_bytes_max = 16 * 1024;
  /// A body: 413.
  static constexpr std::size_t body_bytes_max = 64 * 1024;
  /// How long a connection may wait with its next request, be it idle or with half a head; how
  /// long a body may take, and an answer to be read. Then it is closed.
  static constexpr std::chrono::seconds step_max{5};
  /// How long, and how much, is read and dropped behind the last answer: a reset would eat it.
  static constexpr std::chrono::seconds linger_max{2};
  static constexpr std::size_t linger_bytes_max = 16 * 1024 * 1024;
};
static_assert(operator_limits::answers_max < operator_limits::connections_max);

class operator_crowd;

class operator_connection : public boost::intrusive::list_base_hook<
                                boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
  using socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, loop_executor>;

  /// The three outlive the loop's run.
  operator_connection(socket client, const router& routes, const operator_access& access,
                      operator_crowd& crowd);
  operator_connection(const operator_connection&) = delete;
  operator_connection& operator=(const operator_connection&) = delete;

  /// Answers until one of the two wants no more.
  http_task<void> converse();
  /// Ends it; what waits fails.
  void cut();

private:
  using parser = http::request_parser<http::string_body>;
  http_task<bool> answer_next();
  http_task<std::optional<http_response>> answer_to(parser& asked);
  http_task<unsigned> read_body(parser& asked);
  http_task<std::optional<http_response>> call(const router::match& to,
                                               const http_request& request);
  http_task<bool> write(http_response answer, bool is_head);
  http_task<void> linger();

  boost::beast::basic_stream<boost::asio::ip::tcp, loop_executor> stream_;
  boost::beast::flat_buffer buffer_;
  const router& routes_;
  const operator_access& access_;
  operator_crowd& crowd_;
};

/// Who is connected, in the order in which they go. Owned by the listener.
class operator_crowd {
public:
  explicit operator_crowd(boost::asio::io_context& loop) : order(loop) {}

  void idle(operator_connection& c) { move(c, idle_); }
  /// It reads or writes.
  void busy(operator_connection& c) { move(c, busy_); }
  /// It waits for us, and is not cut.
  void answering(operator_connection& c) { c.unlink(); }
  /// Cuts the one that has to go first. @returns false where all are being answered
  bool cut_one();

  std::size_t answers = 0; ///< that are waited for
  call_queue order;        ///< in which calls begin, health apart

private:
  using members =
      boost::intrusive::list<operator_connection, boost::intrusive::constant_time_size<false>>;
  static void move(operator_connection& c, members& to) {
    c.unlink();
    to.push_back(c);
  }
  members idle_, busy_; ///< the longest in front
};

} // namespace beckon::net
