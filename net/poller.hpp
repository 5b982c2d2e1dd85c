#pragma once
// Which sockets of a thread are ready: an epoll set of our own, edge-triggered, inside Asio's loop. Owns: the set.
// A socket is added once for its life and costs no system call to wait for again; through Asio's reactor each wait costs
// one (docs/decisions/0002-own-epoll-set.md has the figures).

#include "net/unique_fd.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <sys/epoll.h>

namespace beckon::net {

/// Told when its socket becomes readable or writable. Must live until the end of the turn in which it left the set.
class pollee {
public:
  /// @param events of epoll(7): EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR
  virtual void ready(std::uint32_t events) = 0;

protected:
  ~pollee() = default;
};

class poller {
public:
  /// @throws boost::system::system_error when the system has no descriptor left
  explicit poller(boost::asio::io_context& loop);

  /// Watches `fd` until it is closed. @returns false when the kernel has no room for it
  bool add(int fd, pollee& who);

  /// Starts to tell. Once, on the loop's thread.
  void start();

private:
  using descriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  void dispatch();

  static constexpr int events_per_turn = 512;
  descriptor set_;
  std::array<epoll_event, events_per_turn> events_;
};

} // namespace beckon::net
