#include "net/poller.hpp"

#include <boost/system/system_error.hpp>
#include <cerrno>

namespace beckon::net {
namespace {

int make_set() {
  int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
  return fd;
}

} // namespace

poller::poller(boost::asio::io_context& loop) : set_(loop, make_set()) {}

bool poller::add(int fd, pollee& who) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &who;
  return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void poller::start() {
  set_.async_wait(descriptor::wait_read, [this](boost::system::error_code ec) {
    if (ec)
      return;
    dispatch();
    start();
  });
}

void poller::dispatch() {
  auto n = ::epoll_wait(set_.native_handle(), events_.data(), events_per_turn, 0);
  for (int i = 0; i < n; ++i) {
    auto& event = events_[static_cast<std::size_t>(i)];
    static_cast<pollee*>(event.data.ptr)->ready(event.events);
  }
}

} // namespace beckon::net
