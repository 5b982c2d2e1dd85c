#include "net/behaviour_calls.hpp"

#include "protocol/names.hpp"

#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace beckon::net {
namespace {

constexpr std::string_view no_name = "this is not the name of a group";

/// A question that waits for its answer: shared by who waits and who answers, as either may be gone
/// before the other.
struct question_asked {
  explicit question_asked(boost::asio::io_context& loop) : until(loop) {}
  loop_timer until; ///< until then; the answer ends it, too
  behaviour_answer told{behaviour_answer::kind::later, {}, {}};
};

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

http_response good(const std::string& group, const behaviour_answer& told) {
  boost::json::object fields{{"group", group}, {"behaviour", nullptr}};
  if (!told.behaviour.empty())
    fields["behaviour"] = told.behaviour;
  if (told.pause.count() > 0)
    fields["pause_us"] = told.pause.count();
  return page("application/json", boost::json::serialize(fields) + '\n');
}

http_response answer_of(const std::string& group, const behaviour_answer& told) {
  using kind = behaviour_answer::kind;
  switch (told.what) {
  case kind::good:
    return good(group, told);
  case kind::no_group:
    return plain_answer(404, "no such group on this node");
  case kind::no_behaviour:
    return plain_answer(422, "no such behaviour");
  case kind::failed:
    return plain_answer(409, "the group keeps the behaviour that it had: " + told.why);
  case kind::later:
    break;
  }
  return plain_answer(504, "the group did not answer in time; what it does next is unknown");
}

} // namespace

behaviour_calls::behaviour_calls(boost::asio::io_context& loop, const protocol::limits& bounds,
                                 behaviour_services asked)
    : loop_(loop), bounds_(bounds), asked_(std::move(asked)) {}

bool behaviour_calls::is_group(const std::string& name) const {
  return protocol::is_group_name(name, bounds_);
}

http_task<http_response> behaviour_calls::tell(const http_call& call) const {
  const auto& group = call.names.front();
  if (!is_group(group))
    return at_once(plain_answer(400, no_name));
  return ask(group,
             [this, group](behaviour_told told) { asked_.behaviour_of(group, std::move(told)); });
}

http_task<http_response> behaviour_calls::choose(const http_call& call) const {
  const auto& group = call.names.front();
  if (!is_group(group))
    return at_once(plain_answer(400, no_name));
  auto behaviour = behaviour_in(call.request.body());
  if (!behaviour)
    return at_once(plain_answer(400, "the body is not {\"behaviour\":\"NAME\"}"));
  return ask(group, [this, group, name = *behaviour](behaviour_told told) {
    asked_.swap(group, name, std::move(told));
  });
}

/// Asks, and waits for the answer, but not for ever.
http_task<http_response> behaviour_calls::ask(std::string group, question asked) const {
  auto wait = std::make_shared<question_asked>(loop_);
  wait->until.expires_after(answer_max);
  asked([wait, &loop = loop_](behaviour_answer told) {
    boost::asio::post(loop, [wait, told = std::move(told)]() mutable {
      wait->told = std::move(told);
      wait->until.expires_at(std::chrono::steady_clock::time_point::min());
    });
  });
  co_await wait->until.async_wait(use_http_tuple);
  co_return answer_of(group, wait->told);
}

} // namespace beckon::net
