#include "net/call_queue.hpp"

#include <boost/asio/post.hpp>
#include <new>

namespace beckon::net {

http_task<void> call_queue::next() {
  loop_timer turn(loop_, loop_timer::time_point::max());
  waiting_.push_back(&turn);
  if (waiting_.size() == 1)
    begin_later();
  co_await turn.async_wait(use_http_tuple);
}

void call_queue::begin_later() {
  try {
    boost::asio::post(loop_, [this] { begin_one(); });
  } catch (const std::bad_alloc&) { // then all at once
    while (!waiting_.empty())
      let_begin();
  }
}

void call_queue::let_begin() {
  waiting_.front()->expires_at(loop_timer::time_point::min());
  waiting_.pop_front();
}

/// Who begins does so at the end of what the loop has to do now, and the next one behind that.
void call_queue::begin_one() {
  let_begin();
  if (!waiting_.empty())
    begin_later();
}

} // namespace beckon::net
