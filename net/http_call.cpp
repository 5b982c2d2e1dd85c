#include "net/http_call.hpp"

#include <boost/beast/http/status.hpp>
#include <utility>

namespace beckon::net {

http_response plain_answer(unsigned status, std::string_view text) {
  http_response answer;
  answer.result(status);
  answer.set(http::field::content_type, "text/plain");
  auto reason = http::obsolete_reason(answer.result());
  auto own =
      status == 200 ? std::string_view("ok") : std::string_view(reason.data(), reason.size());
  answer.body().append(text.empty() ? own : text) += '\n';
  return answer;
}

http_response page(std::string_view type, std::string body) {
  http_response answer;
  answer.set(http::field::content_type, {type.data(), type.size()});
  answer.body() = std::move(body);
  return answer;
}

http_task<http_response> at_once(http_response answer) {
  co_return answer;
}

std::string_view value_of(const http_request& request, http::field name) {
  auto value = request[name];
  return {value.data(), value.size()};
}

} // namespace beckon::net
