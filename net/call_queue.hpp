#pragma once
// Calls that have not begun: one begins in each round of the loop, in the order in which they came.
// Owns: who waits. What else the loop has to do, as to tell that we are healthy, waits for one of
// them at most, not for all. The loop's thread.

#include "net/http_call.hpp"

#include <boost/asio/io_context.hpp>
#include <deque>

namespace beckon::net {

class call_queue {
public:
  explicit call_queue(boost::asio::io_context& loop) : loop_(loop) {}
  call_queue(const call_queue&) = delete;
  call_queue& operator=(const call_queue&) = delete;

  /// Ends when it is one's turn. Whoever waits is bounded by who calls it.
  http_task<void> next();

private:
  void begin_one();
  void begin_later();
  void let_begin();

  boost::asio::io_context& loop_;
  std::deque<loop_timer*> waiting_; ///< each on the frame of who waits
};

} // namespace beckon::net
