#include "fleet.hpp"

#include "handshake.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <stdexcept>
#include <system_error>

namespace load {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
/// One address has some 28,000 ports; the connections that ended hold theirs for a while.
constexpr std::uint64_t connections_per_address = 16'000;
constexpr std::uint64_t addresses = 100; // 127.0.0.1 and those after it
/// Few enough that the server gets its answers while we still read: neither side waits for the
/// other's whole round.
constexpr int events_max = 64;
constexpr std::string_view normal_closure("\x03\xe8", 2); // 1000

std::string numbered(char letter, std::size_t number) {
  std::string name(1, letter);
  name += std::to_string(number);
  return name;
}

std::string text_of(int error) {
  return std::generic_category().message(error);
}

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

fleet::fleet(const dialect& words, shape form)
    : words_(words), shape_(form), epoll_(::epoll_create1(EPOLL_CLOEXEC)), clients_(form.clients),
      buffer_(buffer_bytes) {
  if (epoll_ < 0)
    fail("epoll_create1");
  std::mt19937 random(std::random_device{}());
  for (auto& c : clients_)
    c.key = static_cast<std::uint32_t>(random()) |
            1; // Never 0, which would leave the payload as it is.
}

fleet::~fleet() {
  for (const auto& c : clients_)
    if (c.socket >= 0)
      ::close(c.socket);
  ::close(epoll_);
}

std::string fleet::uid(std::size_t index) {
  return numbered('u', index);
}

std::string fleet::group(std::size_t index) const {
  return numbered('g', index / shape_.group_size);
}

void fleet::connect_all(std::chrono::seconds limit, std::size_t in_progress_max) {
  listener deaf;
  const auto deadline = clock::now() + limit;
  for (std::size_t next = 0; welcome_ != clients_.size();) {
    while (next != clients_.size() && in_progress_ < in_progress_max)
      connect(next++);
    turn(std::chrono::milliseconds(100), deaf);
    if (faults_.total() != 0)
      throw std::runtime_error("while connecting: " + faults_.first);
    if (clock::now() > deadline)
      throw std::runtime_error("only " + std::to_string(welcome_) + " of " +
                               std::to_string(clients_.size()) + " clients were welcome in time");
  }
}

void fleet::connect(std::size_t index) {
  auto& c = clients_[index];
  c.socket = open_socket(port_of(index));
  const auto name = uid(index);
  const auto room = group(index);
  c.unread.clear();
  c.unsent = upgrade_request(words_, {.uid = name, .group = room, .to = {}, .id = {}, .data = {}},
                             port_of(index));
  c.at = stage::upgrading;
  c.is_blocked = true; // Until the connection stands.
  ++in_progress_;
  watch(index, EPOLL_CTL_ADD);
}

int fleet::open_socket(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0)
    fail("socket");
  const int on = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const auto block = static_cast<std::uint32_t>(connected_++ / connections_per_address % addresses);
  if (block != 0) {
    // Without this the kernel would look for a port that is free towards everybody.
    ::setsockopt(made, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + block);
    if (::bind(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      fail("bind");
  }
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    fail("connect");
  return made;
}

void fleet::leave(std::size_t index) {
  auto& c = clients_[index];
  std::string goodbye;
  append_masked(goodbye, opcode::close, normal_closure, key_of(c));
  send(index, goodbye);
  c.at = stage::leaving;
  --welcome_;
}

void fleet::drop_all() {
  constexpr linger reset{.l_onoff = 1, .l_linger = 0};
  for (std::size_t i = 0; i != clients_.size(); ++i) {
    ::setsockopt(clients_[i].socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(i);
  }
  welcome_ = 0;
}

void fleet::set_reading(std::size_t index, bool on) {
  clients_[index].is_reading = on;
  if (clients_[index].at != stage::closed)
    watch(index, EPOLL_CTL_MOD);
}

void fleet::watch(std::size_t index, int operation) {
  const auto& c = clients_[index];
  epoll_event event{};
  event.events = (c.is_reading ? EPOLLIN : 0U) | (c.is_blocked ? EPOLLOUT : 0U);
  event.data.u64 = index;
  if (::epoll_ctl(epoll_, operation, c.socket, &event) != 0)
    fail("epoll_ctl");
}

void fleet::turn(nanoseconds wait, listener& to) {
  std::array<epoll_event, events_max> events; // NOLINT: filled by the call
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  const timespec timeout{seconds.count(), (wait - seconds).count()};
  const int ready = ::epoll_pwait2(epoll_, events.data(), events_max, &timeout, nullptr);
  if (ready < 0 && errno != EINTR)
    fail("epoll_pwait2");
  for (int i = 0; i < ready; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if ((event.events & EPOLLOUT) != 0) {
      clients_[event.data.u64].is_blocked = false;
      watch(event.data.u64, EPOLL_CTL_MOD);
      flush(event.data.u64);
    }
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
      read(event.data.u64, to);
  }
  flush();
}

void fleet::read(std::size_t index, listener& to) {
  auto& c = clients_[index];
  if (c.at == stage::closed)
    return;
  const std::size_t kept = c.unread.size();
  if (buffer_.size() < kept + buffer_bytes / 2)
    buffer_.resize(kept + buffer_bytes);
  std::memcpy(buffer_.data(), c.unread.data(), kept);
  const ssize_t got = ::recv(c.socket, buffer_.data() + kept, buffer_.size() - kept, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0)
    return end(index, got == 0 ? "the server closed" : text_of(errno), &to);

  const std::string_view bytes(buffer_.data(), kept + static_cast<std::size_t>(got));
  const std::size_t taken = take(index, bytes, to);
  if (taken != bytes.size() || kept != 0)
    c.unread.assign(bytes.substr(taken));
}

/// Consumes what is whole. @returns how many bytes that was.
std::size_t fleet::take(std::size_t index, std::string_view bytes, listener& to) {
  auto& c = clients_[index];
  std::size_t taken = 0;
  if (c.at == stage::upgrading) {
    taken = take_upgrade_answer(index, bytes, to);
    if (c.at == stage::upgrading)
      return taken;
  }
  server_frame frame;
  while (c.at != stage::closed) {
    const auto outcome = parse_frame(bytes.substr(taken), frame);
    if (outcome == parsed::partial)
      break;
    if (outcome == parsed::broken) {
      end(index, "a frame that a server must not send", nullptr);
      break;
    }
    taken += frame.wire_bytes;
    take_frame(index, frame, to);
  }
  return taken;
}

std::size_t fleet::take_upgrade_answer(std::size_t index, std::string_view bytes, listener& to) {
  const auto answer = parse_upgrade_answer(bytes);
  if (answer.bytes == 0)
    return 0;
  if (!answer.is_upgraded)
    blame(&faults::unexpected, "answer to the upgrade: " + std::string(answer.status));
  clients_[index].at = stage::greeting;
  if (words_.is_welcome_when_upgraded)
    welcome(index, to);
  return answer.bytes;
}

void fleet::take_frame(std::size_t index, const server_frame& frame, listener& to) {
  switch (frame.kind) {
  case opcode::text:
    return take_text(index, frame.payload, to);
  case opcode::ping: {
    std::string pong;
    append_masked(pong, opcode::pong, frame.payload, key_of(clients_[index]));
    ++pings_;
    return send(index, pong);
  }
  case opcode::pong:
    return;
  case opcode::close:
    return take_close(index, frame.payload);
  default:
    blame(&faults::unexpected, "a binary frame");
  }
}

void fleet::take_text(std::size_t index, std::string_view text, listener& to) {
  switch (classify(words_, text)) {
  case heard::delivery:
    return to.on_delivery(index, text);
  case heard::ok:
    return to.on_ok(index, text);
  case heard::welcome:
    return welcome(index, to);
  case heard::hello:
    return send(index, frame(index, words_.greeting));
  case heard::ping:
    ++pings_;
    return send(index, frame(index, words_.pong));
  case heard::gap:
    if (!to.on_gap(index, lost_of(words_, text)))
      blame(&faults::refusals, text);
    return;
  case heard::refusal:
    return blame(&faults::refusals, text);
  case heard::other:
    return blame(&faults::unexpected, text);
  }
}

/// The answer to our goodbye; the end of the connection follows it. Any other is a fault.
void fleet::take_close(std::size_t index, std::string_view payload) {
  if (clients_[index].at == stage::leaving)
    return;
  constexpr std::size_t code_bytes = 2;
  const auto reason = payload.substr(std::min(code_bytes, payload.size()));
  end(index, "close frame '" + std::string(reason) + "'", nullptr);
}

void fleet::welcome(std::size_t index, listener& to) {
  auto& c = clients_[index];
  if (c.at != stage::greeting)
    return blame(&faults::unexpected, "a second welcome");
  c.at = stage::open;
  --in_progress_;
  ++welcome_;
  to.on_welcome(index);
}

void fleet::send(std::size_t index, std::string_view masked) {
  auto& c = clients_[index];
  if (c.at == stage::closed)
    return;
  c.unsent += masked;
  if (!c.is_dirty) {
    c.is_dirty = true;
    dirty_.push_back(index);
  }
}

void fleet::flush() {
  for (const auto index : dirty_) {
    clients_[index].is_dirty = false;
    flush(index);
  }
  dirty_.clear();
}

void fleet::flush(std::size_t index) {
  auto& c = clients_[index];
  if (c.is_blocked || c.unsent.empty() || c.at == stage::closed)
    return;
  const ssize_t sent =
      ::send(c.socket, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EINTR)
    return end(index, text_of(errno), nullptr);
  if (sent > 0)
    c.unsent.erase(0, static_cast<std::size_t>(sent));
  if (!c.unsent.empty()) {
    c.is_blocked = true;
    watch(index, EPOLL_CTL_MOD);
  }
}

void fleet::close(std::size_t index) {
  auto& c = clients_[index];
  ::close(c.socket); // epoll forgets it by itself.
  c.socket = -1;
  c.at = stage::closed;
}

/// `to`: who hears of it when the client was leaving; without one it was not in order even then.
void fleet::end(std::size_t index, std::string_view why, listener* to) {
  const bool was_leaving = clients_[index].at == stage::leaving;
  close(index);
  if (was_leaving && to != nullptr)
    return to->on_left(index);
  blame(&faults::closes, uid(index) + ": " + std::string(why));
}

void fleet::blame(std::uint64_t faults::*kind, std::string_view what) {
  ++(faults_.*kind);
  if (faults_.first.empty())
    faults_.first = what.substr(0, 300);
}

mask_key fleet::key_of(const client& c) const {
  mask_key key;
  std::memcpy(key.data(), &c.key, key.size());
  return key;
}

std::string fleet::frame(std::size_t index, std::string_view text) const {
  std::string out;
  append_masked(out, opcode::text, text, key_of(clients_[index]));
  return out;
}

} // namespace load
