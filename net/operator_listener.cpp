#include "net/operator_listener.hpp"

#include "net/upgrade.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace beckon::net {
namespace {

namespace http = boost::beast::http;
constexpr std::size_t request_bytes_max = 16 * 1024;
using loop_executor = boost::asio::io_context::executor_type;
constexpr auto use_tuple = boost::asio::as_tuple(boost::asio::use_awaitable_t<loop_executor>{});

std::string http_page(std::string_view type, const std::string& body, bool is_head) {
  std::string text = "HTTP/1.1 200 OK\r\nContent-Type: ";
  text.append(type).append("\r\nConnection: close\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n\r\n");
  return is_head ? text : text + body;
}

} // namespace

operator_listener::operator_listener(services& around, boost::asio::io_context& loop,
                                     const endpoint& where, std::function<std::string()> metrics,
                                     std::function<std::string()> cluster)
    : around_(around), loop_(loop), acceptor_(loop, where), metrics_(std::move(metrics)),
      cluster_(std::move(cluster)) {}

void operator_listener::start() {
  boost::asio::co_spawn(loop_, accept(), boost::asio::detached);
}

void operator_listener::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

operator_listener::task operator_listener::accept() {
  boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, loop_executor>
      pause(loop_);
  while (acceptor_.is_open()) {
    auto [ec, client] = co_await acceptor_.async_accept(use_tuple);
    if (ec == boost::asio::error::operation_aborted)
      co_return;
    if (ec || connections_ >= connections_max) { // no descriptor left, or too many ask at once
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(use_tuple);
      continue;
    }
    boost::asio::co_spawn(loop_, answer(std::move(client)), boost::asio::detached);
  }
}

operator_listener::task operator_listener::answer(socket client) {
  ++connections_;
  boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, loop_executor>
      deadline(loop_);
  deadline.expires_after(request_max);
  deadline.async_wait([&client](boost::system::error_code ec) {
    boost::system::error_code ignored;
    if (!ec)
      client.close(ignored);
  });
  std::string request;
  auto [ec, n] = co_await boost::asio::async_read_until(
      client, boost::asio::dynamic_buffer(request, request_bytes_max), "\r\n\r\n", use_tuple);
  if (!ec) {
    auto text = judge(request.substr(0, n));
    co_await boost::asio::async_write(client, boost::asio::buffer(text), use_tuple);
    boost::system::error_code ignored;
    client.shutdown(socket::shutdown_send, ignored);
    // The client closes first, so that a reset does not eat the answer; the deadline bounds it.
    co_await client.async_read_some(boost::asio::buffer(request), use_tuple);
  }
  deadline.cancel();
  --connections_;
}

std::string operator_listener::judge(const std::string& request) const {
  http::request_parser<http::empty_body> parser;
  boost::system::error_code ec;
  parser.put(boost::asio::buffer(request), ec);
  if (ec || !parser.is_header_done())
    return http_answer(400);
  auto& head = parser.get();
  if (head.count(http::field::origin) > 0)
    return http_answer(403);
  std::string_view target(head.target().data(), head.target().size());
  auto path = target.substr(0, target.find('?'));
  if (path != "/healthz" && path != "/readyz" && path != "/metrics" && path != "/cluster")
    return http_answer(404);
  if (head.method() != http::verb::get && head.method() != http::verb::head)
    return http_answer(405, "Allow: GET, HEAD");
  auto is_head = head.method() == http::verb::head;
  if (path == "/metrics")
    return http_page("text/plain; version=0.0.4; charset=utf-8", metrics_(), is_head);
  if (path == "/cluster") {
    auto page = cluster_();
    return page.empty() ? http_answer(404) : http_page("application/json", page, is_head);
  }
  return http_answer(path == "/readyz" && around_.node.draining.load() ? 503 : 200);
}

} // namespace beckon::net
