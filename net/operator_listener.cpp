#include "net/operator_listener.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <new>
#include <utility>

namespace beckon::net {
namespace {

/// Pause after an accept that the system refused.
constexpr std::chrono::milliseconds back_off{50};
/// Accepted before those who are there have their turn.
constexpr int accepts_per_round = 64;

} // namespace

operator_listener::operator_listener(boost::asio::io_context& loop, const endpoint& where,
                                     operator_services offers)
    : loop_(loop), acceptor_(loop, where), offers_(std::move(offers)),
      behaviours_(loop, offers_.bounds, offers_.behaviours),
      access_(offers_.hosts, where.address().is_loopback() || !offers_.hosts.empty(), offers_.key),
      router_(routes()), crowd_(loop) {
  acceptor_.non_blocking(true);
}

// ---- routes ----

std::vector<route> operator_listener::routes() {
  using http::verb;
  auto healthy = [](const http_call&) { return at_once(plain_answer(200)); };
  auto is_ready = [this](const http_call&) { return at_once(ready()); };
  auto count = [this](const http_call&) {
    return at_once(page("text/plain; version=0.0.4; charset=utf-8", offers_.metrics()));
  };
  auto nodes = [this](const http_call&) { return at_once(cluster()); };
  auto tell = [this](const http_call& asked) { return behaviours_.tell(asked); };
  auto choose = [this](const http_call& asked) { return behaviours_.choose(asked); };
  return {
      {verb::get, "/healthz", false, healthy, true},
      {verb::get, "/readyz", false, is_ready, true},
      {verb::get, "/metrics", false, count},
      {verb::get, "/cluster", false, nodes},
      {verb::get, "/groups/{group}/behaviour", false, tell},
      {verb::post, "/groups/{group}/behaviour", true, choose},
  };
}

http_response operator_listener::ready() const {
  return plain_answer(offers_.draining.load() ? 503 : 200);
}

http_response operator_listener::cluster() const {
  auto text = offers_.cluster();
  return text.empty() ? plain_answer(404) : page("application/json", std::move(text));
}

// ---- connections ----

void operator_listener::start() {
  boost::asio::co_spawn(loop_, accept(), boost::asio::detached);
}

void operator_listener::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

http_task<void> operator_listener::accept() {
  loop_timer pause(loop_);
  while (acceptor_.is_open()) {
    auto [ec, connected] = co_await acceptor_.async_accept(use_http_tuple);
    if (ec == boost::asio::error::operation_aborted)
      co_return;
    if (ec) { // no descriptor left: one of ours, too, makes room for who asks how we are
      crowd_.cut_one();
      pause.expires_after(back_off);
      co_await pause.async_wait(use_http_tuple);
      continue;
    }
    welcome(std::move(connected));
    accept_some();
  }
}

/// Who else is there: a crowd that waits to be accepted is to be behind us soon.
void operator_listener::accept_some() {
  for (int i = 1; i < accepts_per_round; ++i) {
    boost::system::error_code ec;
    auto connected = acceptor_.accept(ec);
    if (ec)
      return; // nobody; or a trouble that `accept` will see
    welcome(std::move(connected));
  }
}

void operator_listener::welcome(operator_connection::socket connected) {
  if (connections_ >= operator_limits::connections_max)
    crowd_.cut_one();
  try {
    auto c = std::make_unique<operator_connection>(std::move(connected), router_, access_, crowd_);
    boost::asio::co_spawn(loop_, serve(std::move(c)), boost::asio::detached);
  } catch (const std::bad_alloc&) {
    // Then not.
  }
}

http_task<void> operator_listener::serve(client connected) {
  ++connections_;
  try {
    co_await connected->converse();
  } catch (const std::exception&) {
    // Memory, mostly: this connection's end, and nobody else's.
  }
  --connections_;
}

} // namespace beckon::net
