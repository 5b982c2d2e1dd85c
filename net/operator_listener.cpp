#include "net/operator_listener.hpp"

#include "net/upgrade.hpp"
#include "protocol/names.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/json.hpp>
#include <limits>
#include <openssl/crypto.h>

namespace beckon::net {
namespace {

namespace http = boost::beast::http;
constexpr std::size_t request_bytes_max = 16 * 1024;
using loop_executor = boost::asio::io_context::executor_type;
using loop_timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, loop_executor>;
constexpr auto use_tuple = boost::asio::as_tuple(boost::asio::use_awaitable_t<loop_executor>{});

std::string http_page(std::string_view type, const std::string& body, bool is_head) {
  std::string text = "HTTP/1.1 200 OK\r\nContent-Type: ";
  text.append(type).append("\r\nConnection: close\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n\r\n");
  return is_head ? text : text + body;
}

/// The group of `/groups/{group}/behaviour`, decoded. @returns nothing when the path is no such one
std::optional<std::string> group_of(std::string_view path) {
  constexpr std::string_view before = "/groups/";
  constexpr std::string_view behind = "/behaviour";
  if (!path.starts_with(before) || !path.ends_with(behind) ||
      path.size() <= before.size() + behind.size())
    return std::nullopt;
  path.remove_prefix(before.size());
  path.remove_suffix(behind.size());
  if (path.find('/') != path.npos)
    return std::nullopt;
  return percent_decoded(path, '+').value_or("");
}

/// The name in `{"behaviour":"NAME"}`.
std::optional<std::string> behaviour_in(const std::string& body) {
  boost::system::error_code ec;
  auto value = boost::json::parse(body, ec);
  const auto* fields = ec ? nullptr : value.if_object();
  const auto* name = fields && fields->size() == 1 ? fields->if_contains("behaviour") : nullptr;
  if (!name || !name->is_string())
    return std::nullopt;
  return std::string(name->get_string());
}

std::string text_of(const std::string& group, const behaviour_answer& told) {
  using kind = behaviour_answer::kind;
  switch (told.what) {
  case kind::good: {
    boost::json::object fields{{"group", group}, {"behaviour", nullptr}};
    if (!told.behaviour.empty())
      fields["behaviour"] = told.behaviour;
    if (told.pause.count() > 0)
      fields["pause_us"] = told.pause.count();
    return http_page("application/json", boost::json::serialize(fields) + '\n', false);
  }
  case kind::no_group:
    return http_answer(404, {}, "no such group on this node");
  case kind::no_behaviour:
    return http_answer(422, {}, "no such behaviour");
  case kind::failed:
    return http_answer(409, {}, "the group keeps the behaviour that it had: " + told.why);
  case kind::later:
    break;
  }
  return http_answer(504, {}, "the group did not answer in time; what it does next is unknown");
}

} // namespace

/// One request, its head parsed.
struct operator_listener::request {
  http::request_parser<http::empty_body> parser;
  std::string rest; ///< what has come of the body

  const auto& head() const { return parser.get(); }
  bool is(http::verb method) const { return head().method() == method; }
  std::string_view path() const {
    std::string_view target(head().target().data(), head().target().size());
    return target.substr(0, target.find('?'));
  }
};

operator_listener::operator_listener(services& around, boost::asio::io_context& loop,
                                     const endpoint& where, operator_services offers)
    : around_(around), loop_(loop), acceptor_(loop, where), offers_(std::move(offers)) {}

void operator_listener::start() {
  boost::asio::co_spawn(loop_, accept(), boost::asio::detached);
}

void operator_listener::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

operator_listener::task operator_listener::accept() {
  loop_timer pause(loop_);
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
  loop_timer deadline(loop_);
  deadline.expires_after(request_max);
  deadline.async_wait([&client](boost::system::error_code ec) {
    boost::system::error_code ignored;
    if (!ec)
      client.close(ignored);
  });
  auto text = co_await answer_to(client);
  if (!text.empty()) {
    co_await boost::asio::async_write(client, boost::asio::buffer(text), use_tuple);
    boost::system::error_code ignored;
    client.shutdown(socket::shutdown_send, ignored);
    // The client closes first, so that a reset does not eat the answer; the deadline bounds it.
    co_await boost::asio::async_read(client, boost::asio::dynamic_buffer(text, body_bytes_max * 2),
                                     use_tuple);
  }
  deadline.cancel();
  --connections_;
}

/// @returns the whole answer; nothing when the client went, or was too slow
operator_listener::task_of<std::string> operator_listener::answer_to(socket& client) {
  request asked;
  std::string bytes;
  auto [ec, n] = co_await boost::asio::async_read_until(
      client, boost::asio::dynamic_buffer(bytes, request_bytes_max), "\r\n\r\n", use_tuple);
  if (ec)
    co_return std::string();
  asked.rest = bytes.substr(n);
  boost::system::error_code bad;
  asked.parser.body_limit(std::numeric_limits<std::uint64_t>::max()); // 413 is said by `swap`
  asked.parser.put(boost::asio::buffer(bytes, n), bad);
  if (bad || !asked.parser.is_header_done())
    co_return http_answer(400);
  if (asked.head().count(http::field::origin) > 0)
    co_return http_answer(403);
  auto group = group_of(asked.path());
  if (!group)
    co_return page(asked);
  if (!protocol::is_group_name(*group, around_.values.bounds))
    co_return http_answer(400, {}, "this is not the name of a group");
  if (asked.is(http::verb::post))
    co_return co_await swap(client, asked, *group);
  if (!asked.is(http::verb::get))
    co_return http_answer(405, "Allow: GET, POST");
  if (!offers_.behaviour_of)
    co_return http_answer(501);
  question tell = [this, &group](behaviour_told told) {
    offers_.behaviour_of(*group, std::move(told));
  };
  co_return co_await ask(*group, tell);
}

/// `POST /groups/{group}/behaviour`.
operator_listener::task_of<std::string> operator_listener::swap(socket& client, request& asked,
                                                                const std::string& group) {
  if (auto status = refusal_of_key(asked))
    co_return http_answer(status, status == 401 ? "WWW-Authenticate: Bearer" : "");
  auto length = asked.parser.content_length();
  if (!length)
    co_return http_answer(411);
  if (*length > body_bytes_max)
    co_return http_answer(413);
  auto& body = asked.rest;
  auto come = std::min<std::size_t>(body.size(), *length);
  body.resize(*length);
  auto [ec, n] = co_await boost::asio::async_read(
      client, boost::asio::buffer(body.data() + come, body.size() - come), use_tuple);
  if (ec)
    co_return std::string();
  auto behaviour = behaviour_in(body);
  if (!behaviour)
    co_return http_answer(400, {}, "the body is not {\"behaviour\":\"NAME\"}");
  if (!offers_.swap_behaviour)
    co_return http_answer(501);
  question choose = [this, &group, &behaviour](behaviour_told told) {
    offers_.swap_behaviour(group, *behaviour, std::move(told));
  };
  co_return co_await ask(group, choose);
}

/// Asks, and waits for the answer, but not for ever. Both arguments are variables of the caller's:
/// g++ 12 destroys a temporary of a `co_await` twice when it is a lambda.
operator_listener::task_of<std::string> operator_listener::ask(const std::string& group,
                                                               const question& asked) {
  static constexpr auto answer_max = request_max - std::chrono::seconds(1);
  struct waiting {
    loop_timer until;
    behaviour_answer told{behaviour_answer::kind::later, {}, {}};
  };
  auto wait = std::make_shared<waiting>(waiting{loop_timer(loop_)});
  wait->until.expires_after(answer_max);
  asked([wait, &loop = loop_](behaviour_answer told) {
    boost::asio::post(loop, [wait, told = std::move(told)]() mutable {
      wait->told = std::move(told);
      wait->until.expires_at(std::chrono::steady_clock::time_point::min());
    });
  });
  co_await wait->until.async_wait(use_tuple);
  co_return text_of(group, wait->told);
}

/// 0: it may change something.
unsigned operator_listener::refusal_of_key(const request& asked) const {
  if (offers_.key.empty())
    return 403;
  constexpr std::string_view scheme = "Bearer ";
  auto field = asked.head()[http::field::authorization];
  std::string_view shown(field.data(), field.size());
  if (!shown.starts_with(scheme))
    return 401;
  shown.remove_prefix(scheme.size());
  auto same = shown.size() == offers_.key.size() &&
              CRYPTO_memcmp(shown.data(), offers_.key.data(), shown.size()) == 0;
  return same ? 0 : 401;
}

/// What can only be read.
std::string operator_listener::page(const request& asked) const {
  auto path = asked.path();
  if (path != "/healthz" && path != "/readyz" && path != "/metrics" && path != "/cluster")
    return http_answer(404);
  auto is_head = asked.is(http::verb::head);
  if (!asked.is(http::verb::get) && !is_head)
    return http_answer(405, "Allow: GET, HEAD");
  if (path == "/metrics")
    return http_page("text/plain; version=0.0.4; charset=utf-8", offers_.metrics(), is_head);
  if (path == "/cluster") {
    auto cluster = offers_.cluster();
    return cluster.empty() ? http_answer(404) : http_page("application/json", cluster, is_head);
  }
  return http_answer(path == "/readyz" && around_.node.draining.load() ? 503 : 200);
}

} // namespace beckon::net
