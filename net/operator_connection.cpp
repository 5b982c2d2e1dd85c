#include "net/operator_connection.hpp"

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <limits>
#include <utility>

namespace beckon::net {
namespace {

using limits = operator_limits;

/// What is answered to a head that cannot be read. 0: nobody is there to be answered
unsigned status_of(boost::system::error_code ec) {
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
    return 431;
  auto is_of_http = ec.category() == http::make_error_code(http::error::bad_method).category();
  auto is_end = ec == http::error::end_of_stream || ec == http::error::partial_message;
  return is_of_http && !is_end ? 400 : 0;
}

bool takes_body(http::verb method) {
  return method == http::verb::post || method == http::verb::put || method == http::verb::patch;
}

/// One more answer that is waited for, while it lives.
struct answer_counted {
  explicit answer_counted(std::size_t& n) : count(n) { ++count; }
  ~answer_counted() { --count; }
  answer_counted(const answer_counted&) = delete;
  answer_counted& operator=(const answer_counted&) = delete;
  std::size_t& count;
};

} // namespace

bool operator_crowd::cut_one() {
  auto& row = idle_.empty() ? busy_ : idle_;
  if (row.empty())
    return false;
  auto& first = row.front();
  first.unlink();
  first.cut();
  return true;
}

operator_connection::operator_connection(socket client, const router& routes,
                                         const operator_access& access, operator_crowd& crowd)
    : stream_(std::move(client)), buffer_(2 * std::size_t{limits::head_bytes_max}), routes_(routes),
      access_(access), crowd_(crowd) {}

void operator_connection::cut() {
  stream_.close();
}

http_task<void> operator_connection::converse() {
  // Not `while (co_await …)`: g++ 12 takes that loop for one without an end.
  auto goes_on = true;
  while (goes_on)
    goes_on = co_await answer_next();
}

/// @returns whether there may be another request
http_task<bool> operator_connection::answer_next() {
  parser asked;
  asked.header_limit(limits::head_bytes_max);
  asked.body_limit(std::numeric_limits<std::uint64_t>::max()); // read_body has the limit
  crowd_.idle(*this);
  stream_.expires_after(limits::step_max);
  auto [ec, n] = co_await http::async_read_header(stream_, buffer_, asked, use_http_tuple);
  crowd_.busy(*this);
  auto bad = ec ? status_of(ec) : 0;
  if (ec && bad == 0)
    co_return false;
  std::optional<http_response> answer;
  if (bad != 0)
    answer = plain_answer(bad);
  else
    answer = co_await answer_to(asked);
  if (!answer)
    co_return false;
  // What is left of a body that nobody wants would be taken for the next request.
  auto goes_on = bad == 0 && asked.is_done() && asked.get().keep_alive() && answer->keep_alive();
  answer->version(bad == 0 ? asked.get().version() : 11);
  answer->keep_alive(goes_on);
  auto written = co_await write(std::move(*answer), asked.get().method() == http::verb::head);
  if (written && !goes_on)
    co_await linger();
  co_return written&& goes_on;
}

/// @returns nothing when the client went, or was too slow
http_task<std::optional<http_response>> operator_connection::answer_to(parser& asked) {
  const auto& request = asked.get();
  std::string_view target(request.target().data(), request.target().size());
  auto to = routes_.find(request.method(), target);
  if (auto refused = access_.refuse_page(request, to.to && to.to->is_health))
    co_return refused;
  if (to.status != 200) {
    auto answer = plain_answer(to.status);
    if (!to.allow.empty())
      answer.set(http::field::allow, to.allow);
    co_return answer;
  }
  if (to.to->needs_key)
    if (auto refused = access_.refuse_key(request))
      co_return refused;
  if (takes_body(request.method())) {
    auto status = co_await read_body(asked);
    if (status == 0)
      co_return std::nullopt;
    if (status != 200) {
      auto answer = plain_answer(status);
      answer.keep_alive(false); // what it may send all the same is no request
      co_return answer;
    }
  }
  co_return co_await call(to, request);
}

/// @returns 200, another status that refuses it, or 0 when the client went, or was too slow
http_task<unsigned> operator_connection::read_body(parser& asked) {
  auto length = asked.content_length();
  if (!length)
    co_return 411;
  if (*length > limits::body_bytes_max)
    co_return 413;
  stream_.expires_after(limits::step_max);
  if (http::token_list(asked.get()[http::field::expect]).exists("100-continue")) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    auto [ec, n] = co_await http::async_write(stream_, go_on, use_http_tuple);
    if (ec)
      co_return 0;
  }
  auto [ec, n] = co_await http::async_read(stream_, buffer_, asked, use_http_tuple);
  co_return ec ? 0 : 200;
}

http_task<std::optional<http_response>> operator_connection::call(const router::match& to,
                                                                  const http_request& request) {
  if (crowd_.answers >= limits::answers_max && !to.to->is_health) {
    auto answer = plain_answer(503);
    answer.set(http::field::retry_after, "1");
    co_return answer;
  }
  answer_counted one_more(crowd_.answers);
  crowd_.answering(*this);
  if (!to.to->is_health)
    co_await crowd_.order.next();
  http_call asked{request, to.names};
  auto answer = co_await to.to->answer(asked);
  crowd_.busy(*this);
  co_return answer;
}

/// @returns whether the client took it
http_task<bool> operator_connection::write(http_response answer, bool is_head) {
  stream_.expires_after(limits::step_max);
  answer.prepare_payload();
  http::response_serializer<http::string_body> bytes(answer);
  if (is_head) {
    auto [ec, n] = co_await http::async_write_header(stream_, bytes, use_http_tuple);
    co_return !ec;
  }
  auto [ec, n] = co_await http::async_write(stream_, bytes, use_http_tuple);
  co_return !ec;
}

/// The client closes first, so that a reset does not eat the answer.
http_task<void> operator_connection::linger() {
  boost::system::error_code ignored;
  stream_.socket().shutdown(socket::shutdown_send, ignored);
  stream_.expires_after(limits::linger_max);
  std::size_t dropped = 0;
  buffer_.consume(buffer_.size());
  while (dropped < limits::linger_bytes_max) {
    auto [ec, n] =
        co_await stream_.async_read_some(buffer_.prepare(limits::head_bytes_max), use_http_tuple);
    if (ec)
      co_return;
    dropped += n;
  }
}

} // namespace beckon::net
