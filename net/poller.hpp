#pragma once
// What a thread sleeps on: its sockets, and other threads' wish to wake it. Owns: the epoll set,
// edge-triggered. A socket is added once for its life and costs no system call to wait for again;
// through Asio's reactor each wait costs one, and each turn two more
// (docs/decisions/0002-own-epoll-set.md has the figures).

#include "net/unique_fd.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <sys/epoll.h>

namespace beckon::net {

/// Told when its socket becomes readable or writable. Must live until the end of the turn in which
/// it left the set.
class pollee {
public:
  /// @param events of epoll(7): EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR
  virtual void ready(std::uint32_t events) = 0;
  /// `ready` threw. Others are told of theirs all the same.
  virtual void failed(const char* why) noexcept = 0;

protected:
  ~pollee() = default;
};

class poller {
public:
  /// @throws boost::system::system_error when the system has no descriptor left
  poller();

  /// Watches `fd` until it is closed. @returns false when the kernel has no room for it
  bool add(int fd, pollee& who);

  /// Sleeps until a socket is ready, `wake` is called or the time is over (none: without end). Then
  /// `dispatch` tells.
  void wait(std::optional<std::chrono::nanoseconds> at_most);
  /// Tells what `wait` has found. The thread's time may be read in between.
  void dispatch();

  /// Whether `wait` may have left some for the next turn.
  bool found_all() const noexcept { return found_ < events_per_turn; }
  /// After how many times `wait` each of so many sockets that are ready now has been found: the
  /// kernel tells in the order in which they became ready.
  static constexpr std::size_t looks_for(std::size_t sockets) noexcept {
    return sockets / events_per_turn + 1;
  }

  /// Ends the thread's sleep, or its next one. Any thread.
  void wake() noexcept;

private:
  static constexpr int events_per_turn = 512;
  unique_fd set_;
  unique_fd alarm_; ///< an eventfd
  std::array<epoll_event, events_per_turn> events_;
  int found_ = 0;
};

} // namespace beckon::net
