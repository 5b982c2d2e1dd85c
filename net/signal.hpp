#pragma once
// What a coroutine waits for: that somebody on its own thread wakes it. Owns: the waiting
// coroutine. A wake that finds nobody waiting is kept for the next wait.

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

namespace beckon::net {

using loop_executor = boost::asio::io_context::executor_type;
using use_loop_t = boost::asio::use_awaitable_t<loop_executor>;
inline constexpr use_loop_t use_loop{};
using task = boost::asio::awaitable<void, loop_executor>;

class signal {
public:
  /// Resumes the waiting coroutine within this call. Not from within another coroutine or an actor.
  void notify() {
    if (!waiter_) {
      pending_ = true;
      return;
    }
    auto waiter = std::move(*waiter_);
    waiter_.reset();
    std::move(waiter)();
  }

  /// Completes when notified. One coroutine at a time.
  auto wait() {
    return boost::asio::async_initiate<const use_loop_t, void()>(
        [this](handler waiter) {
          waiter_.emplace(std::move(waiter));
          if (std::exchange(pending_, false))
            notify();
        },
        use_loop);
  }

private:
  using handler = boost::asio::async_result<use_loop_t, void()>::handler_type;
  std::optional<handler> waiter_;
  bool pending_ = false;
};

} // namespace beckon::net
