#pragma once
// One HTTP call to the operators' listener: what is asked, and what is answered. Owns: the names of
// Beast's types here, and how a plain answer looks. Values; the listener's thread.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

namespace http = boost::beast::http;
using http_request = http::request<http::string_body>;
using http_response = http::response<http::string_body>;

using loop_executor = boost::asio::io_context::executor_type;
using loop_timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, loop_executor>;
template <class T>
using http_task = boost::asio::awaitable<T, loop_executor>;
/// What is awaited gives its error as a value.
inline constexpr auto use_http_tuple =
    boost::asio::as_tuple(boost::asio::use_awaitable_t<loop_executor>{});

/// Lives until its answer is there.
struct http_call {
  const http_request& request;
  std::vector<std::string> names; ///< of the path, decoded, in its order
};
/// Answers a call, at once or later. What it needs must outlive the loop's run.
using http_handler = std::function<http_task<http_response>(const http_call&)>;

/// Plain text of one line; the status's own where `text` is empty.
http_response plain_answer(unsigned status, std::string_view text = {});
/// 200.
http_response page(std::string_view type, std::string body);
/// A handler's answer that is there already.
http_task<http_response> at_once(http_response answer);

/// A field's value; nothing where it is missing.
std::string_view value_of(const http_request& request, http::field name);

} // namespace beckon::net
