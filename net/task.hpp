#pragma once
// A coroutine of a connection. Owns: its frame. Asio's `awaitable` does the same for operations of
// Asio; a connection only ever waits for its own signal, which its thread's poller gives, and so
// needs neither a handler nor an allocation for each wait (decisions/0007).

#include <coroutine>
#include <exception>
#include <utility>

namespace beckon::net {

/// A part of a story: runs when it is awaited, and resumes who awaits it when it ends. What it
/// throws is thrown there.
class [[nodiscard]] task {
public:
  struct promise_type;
  using frame = std::coroutine_handle<promise_type>;

  struct promise_type {
    std::coroutine_handle<> awaiting;
    std::exception_ptr trouble;

    task get_return_object() noexcept { return task(frame::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct back {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(frame ended) noexcept {
          return ended.promise().awaiting;
        }
        void await_resume() noexcept {}
      };
      return back{};
    }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { trouble = std::current_exception(); }
  };

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&&) = delete;
  ~task() {
    if (frame_)
      frame_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    frame_.promise().awaiting = awaiting;
    return frame_;
  }
  void await_resume() const {
    if (frame_.promise().trouble)
      std::rethrow_exception(frame_.promise().trouble);
  }

private:
  explicit task(frame f) noexcept : frame_(f) {}
  frame frame_;
};

/// A whole story: runs when it is called, until it first waits, and frees itself at its end.
/// Nothing may be thrown out of it.
struct story {
  struct promise_type {
    story get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

} // namespace beckon::net
