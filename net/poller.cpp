#include "net/poller.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <exception>
#include <limits>
#include <sys/eventfd.h>
#include <unistd.h>

namespace beckon::net {
namespace {

unique_fd checked(int fd, const char* what) {
  if (fd < 0)
    throw boost::system::system_error(errno, boost::system::system_category(), what);
  return unique_fd(fd);
}

/// Whole milliseconds, as epoll_wait takes them, rounded up: waking early would find nothing to do.
int timeout(std::optional<std::chrono::nanoseconds> at_most) {
  if (!at_most)
    return -1;
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(*at_most).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, std::numeric_limits<int>::max()));
}

} // namespace

poller::poller()
    : set_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      alarm_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
  epoll_event event{};
  event.events =
      EPOLLIN | EPOLLET; // edge-triggered: the count is never read, each write is an event
  event.data.ptr = nullptr;
  if (::epoll_ctl(set_.get(), EPOLL_CTL_ADD, alarm_.get(), &event) != 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_ctl");
}

bool poller::add(int fd, pollee& who) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &who;
  return ::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void poller::wait(std::optional<std::chrono::nanoseconds> at_most) {
  found_ = ::epoll_wait(set_.get(), events_.data(), events_per_turn, timeout(at_most));
  if (found_ < 0) // EINTR, as after SIGSTOP and SIGCONT: what came meanwhile must be seen before
                  // deadlines are
    found_ = ::epoll_wait(set_.get(), events_.data(), events_per_turn, 0);
}

void poller::dispatch() {
  for (int i = 0; i < found_; ++i) {
    auto& event = events_[static_cast<std::size_t>(i)];
    auto* who = static_cast<pollee*>(event.data.ptr);
    if (!who)
      continue;
    try {
      who->ready(event.events);
    } catch (const std::exception& trouble) {
      who->failed(trouble.what());
    }
  }
}

void poller::wake() noexcept {
  std::uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(alarm_.get(), &one, sizeof one);
}

} // namespace beckon::net
