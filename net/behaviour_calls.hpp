#pragma once
// The operators' calls about the behaviour of a group: GET and POST /groups/{group}/behaviour.
// Owns: what they say, and how long a group may take. Made by the operators' listener; runs on its
// thread.

#include "net/http_call.hpp"
#include "protocol/limits.hpp"

#include <chrono>
#include <functional>
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

struct behaviour_services {
  std::function<void(std::string group, behaviour_told)> behaviour_of;
  std::function<void(std::string group, std::string behaviour, behaviour_told)> swap;
};

class behaviour_calls {
public:
  /// Longest time that a group may take; then 504.
  static constexpr std::chrono::seconds answer_max{4};

  behaviour_calls(boost::asio::io_context& loop, const protocol::limits& bounds,
                  behaviour_services asked);

  /// These are http_handlers; `names` has the group's.
  http_task<http_response> tell(const http_call& call) const;
  http_task<http_response> choose(const http_call& call) const;

private:
  using question = std::function<void(behaviour_told)>;
  http_task<http_response> ask(std::string group, question asked) const;
  bool is_group(const std::string& name) const;

  boost::asio::io_context& loop_;
  const protocol::limits& bounds_;
  behaviour_services asked_;
};

} // namespace beckon::net
