#include "net/listener.hpp"

#include "net/connection.hpp"
#include "net/upgrade.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <new>
#include <sys/socket.h>
#include <utility>

namespace beckon::net {
namespace {

/// Time until the kernel gives up a peer that acknowledges nothing, while data is pending.
constexpr int unacknowledged_max_ms = 15'000;
constexpr int backlog = 4096;

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

unique_fd reserve_descriptor() {
  return unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

boost::asio::ip::address address_of(const sockaddr_storage& from) {
  if (from.ss_family == AF_INET6) {
    boost::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr, bytes.size());
    return boost::asio::ip::address_v6(bytes);
  }
  return boost::asio::ip::address_v4(
      ntohl(reinterpret_cast<const sockaddr_in&>(from).sin_addr.s_addr));
}

} // namespace

boost::system::result<unique_fd> bind_listener(const endpoint& where, bool first) {
  auto failed = [] { return boost::system::error_code(errno, boost::system::system_category()); };
  unique_fd fd(::socket(where.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd)
    return failed();
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (where.protocol().family() == AF_INET6)
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (!first)
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::bind(fd.get(), where.data(), static_cast<socklen_t>(where.size())) != 0)
    return failed();
  if (first)
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::listen(fd.get(), backlog) != 0)
    return failed();
  return fd;
}

endpoint bound_to(const unique_fd& listening) {
  endpoint where;
  socklen_t length = static_cast<socklen_t>(where.capacity());
  ::getsockname(listening.get(), where.data(), &length);
  where.resize(length);
  return where;
}

listener::listener(services& around, thread_unit& unit, unique_fd socket)
    : around_(around), unit_(unit), socket_(std::move(socket)), reserve_(reserve_descriptor()) {}

void listener::start() {
  if (!unit_.sockets.add(socket_.get(), *this))
    around_.log.error("listener_failed", {{"why", "the poller has no room"}});
}

void listener::stop() {
  disarm();
  go_on();
  socket_.reset();
}

void listener::ready(std::uint32_t) {
  if (socket_ && !armed())
    accept_some();
}

void listener::failed(const char*) noexcept {
  if (socket_)
    wait_until(unit_.place->now + back_off);
}

void listener::due(actors::steady_time) {
  if (socket_)
    accept_some();
}

void listener::accept_some() {
  go_on();
  for (int i = 0; i < accepts_per_turn; ++i) {
    if (auto wait = around_.gate.admit(unit_.place->now))
      return wait_until(unit_.place->now + *wait);
    if (!accept_one())
      return;
  }
  unit_.place->wheel.set(
      *this, unit_.place->now); // there may be more; sockets and actors have their turn first
}

void listener::wait_until(actors::steady_time when) {
  unit_.place->wheel.set(*this, when);
  if (!std::exchange(waits_, true))
    unit_.place->count.not_accepting.add();
}

void listener::go_on() {
  if (std::exchange(waits_, false))
    unit_.place->count.not_accepting.sub();
}

/// @returns whether to go on
bool listener::accept_one() {
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  unique_fd fd(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&from), &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      around_.gate.nobody_came();
      return false;
    }
    if (errno == ECONNABORTED || errno == EINTR)
      return true;
    out_of_descriptors(errno);
    return false;
  }
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_max_ms);
  try {
    std::make_shared<connection>(around_, unit_, std::move(fd), address_of(from))->start();
  } catch (const std::bad_alloc&) {
    out_of_descriptors(ENOMEM);
    return false;
  }
  return true;
}

/// EMFILE, ENFILE, ENOMEM: those who are connected are served on; the next in line is told 503,
/// then a pause.
void listener::out_of_descriptors(int error) {
  auto now = unit_.place->now;
  if (now - last_told_ >= std::chrono::seconds(1)) {
    last_told_ = now;
    around_.log.warn("accept_failed", {{"why", std::strerror(error)}});
  }
  reserve_.reset();
  unique_fd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd) {
    auto answer = http_answer(503, "Retry-After: 5");
    if (::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
      unit_.place->count.refuse(actors::refusal::http_503);
    ::shutdown(fd.get(), SHUT_WR);
    fd.reset();
  }
  reserve_ = reserve_descriptor();
  wait_until(now + back_off);
}

} // namespace beckon::net
