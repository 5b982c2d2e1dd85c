#pragma once
// What a coroutine waits for: that somebody on its own thread wakes it. Owns: nothing; who waits
// owns itself. A wake that finds nobody waiting is kept for the next wait.

#include "actors/memory_reserve.hpp"

#include <coroutine>
#include <utility>

namespace beckon::net {

class signal {
public:
  /// Resumes the waiting coroutine within this call. Not from within another coroutine or an actor.
  void notify() {
    actors::may_fail within_its_story; // which answers for it
    if (auto waiter = std::exchange(waiter_, nullptr))
      waiter.resume();
    else
      pending_ = true;
  }

  /// Awaitable: over when notified. One coroutine at a time.
  auto wait() noexcept {
    struct until_notified {
      signal& of;
      bool await_ready() noexcept { return std::exchange(of.pending_, false); }
      void await_suspend(std::coroutine_handle<> waiter) noexcept { of.waiter_ = waiter; }
      void await_resume() noexcept {}
    };
    return until_notified{*this};
  }

private:
  std::coroutine_handle<> waiter_;
  bool pending_ = false;
};

} // namespace beckon::net
