#include "fleet.hpp"

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
constexpr std::size_t in_progress_max = 64;
/// Few enough that the server gets its answers while we still read: neither side waits for the
/// other's whole round.
constexpr int events_max = 64;

/// The example of RFC 6455, section 1.3: one key serves all connections, and its answer is known.
constexpr std::string_view handshake_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view handshake_answer = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

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

std::string upgrade_request(const dialect& words, const values& who, std::uint16_t port) {
  return "GET " + fill(words.target, who) + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
         "13\r\nSec-WebSocket-Key: " +
         std::string(handshake_key) +
         "\r\nSec-WebSocket-Protocol: " + std::string(words.sub_protocol) + "\r\n\r\n";
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

void fleet::connect_all(std::chrono::seconds limit) {
  struct : listener {
    void on_delivery(std::size_t, std::string_view) override {}
    void on_ok(std::size_t, std::string_view) override {}
  } deaf;
  const auto deadline = clock::now() + limit;
  for (std::size_t next = 0; welcome_ != clients_.size();) {
    while (next != clients_.size() && in_progress_ < in_progress_max)
      begin(next++);
    turn(std::chrono::milliseconds(100), deaf);
    if (faults_.total() != 0)
      throw std::runtime_error("while connecting: " + faults_.first);
    if (clock::now() > deadline)
      throw std::runtime_error("only " + std::to_string(welcome_) + " of " +
                               std::to_string(clients_.size()) + " clients were welcome in time");
  }
}

void fleet::begin(std::size_t index) {
  auto& c = clients_[index];
  c.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c.socket < 0)
    fail("socket");
  const int on = 1;
  ::setsockopt(c.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(shape_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(c.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    fail("connect");

  const auto name = uid(index);
  const auto room = group(index);
  c.unsent = upgrade_request(words_, {.uid = name, .group = room, .to = {}, .id = {}, .data = {}},
                             shape_.port);
  c.at = stage::upgrading;
  c.is_blocked = true; // Until the connection stands.
  ++in_progress_;
  watch(index, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

void fleet::watch(std::size_t index, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = index;
  if (::epoll_ctl(epoll_, operation, clients_[index].socket, &event) != 0)
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
      watch(event.data.u64, EPOLLIN, EPOLL_CTL_MOD);
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
    return end(index, got == 0 ? "the server closed" : text_of(errno));

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
    taken = take_upgrade_answer(c, bytes);
    if (c.at == stage::upgrading)
      return taken;
  }
  server_frame frame;
  while (c.at != stage::closed) {
    const auto outcome = parse_frame(bytes.substr(taken), frame);
    if (outcome == parsed::partial)
      break;
    if (outcome == parsed::broken) {
      end(index, "a frame that a server must not send");
      break;
    }
    taken += frame.wire_bytes;
    take_frame(index, frame, to);
  }
  return taken;
}

std::size_t fleet::take_upgrade_answer(client& c, std::string_view bytes) {
  const auto end_of_head = bytes.find("\r\n\r\n");
  if (end_of_head == std::string_view::npos)
    return 0;
  const auto head = bytes.substr(0, end_of_head);
  if (!head.starts_with("HTTP/1.1 101 ") || head.find(handshake_answer) == std::string_view::npos)
    blame(&faults::unexpected,
          "answer to the upgrade: " + std::string(head.substr(0, head.find('\r'))));
  c.at = stage::greeting;
  return end_of_head + 4;
}

void fleet::take_frame(std::size_t index, const server_frame& frame, listener& to) {
  auto& c = clients_[index];
  switch (frame.kind) {
  case opcode::text:
    return take_text(index, frame.payload, to);
  case opcode::ping: {
    std::string pong;
    append_masked(pong, opcode::pong, frame.payload, key_of(c));
    return send(index, pong);
  }
  case opcode::pong:
    return;
  case opcode::close:
    return end(index, "close frame '" +
                          std::string(frame.payload.substr(
                              std::min<std::size_t>(2, frame.payload.size()))) +
                          "'");
  default:
    blame(&faults::unexpected, "a binary frame");
  }
}

void fleet::take_text(std::size_t index, std::string_view text, listener& to) {
  auto& c = clients_[index];
  switch (classify(words_, text)) {
  case heard::delivery:
    return to.on_delivery(index, text);
  case heard::ok:
    return to.on_ok(index, text);
  case heard::welcome:
    if (c.at != stage::greeting)
      return blame(&faults::unexpected, "a second welcome");
    c.at = stage::open;
    --in_progress_;
    ++welcome_;
    return;
  case heard::refusal:
    return blame(&faults::refusals, text);
  case heard::other:
    return blame(&faults::unexpected, text);
  }
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
    return end(index, text_of(errno));
  if (sent > 0)
    c.unsent.erase(0, static_cast<std::size_t>(sent));
  if (!c.unsent.empty()) {
    c.is_blocked = true;
    watch(index, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  }
}

void fleet::end(std::size_t index, std::string_view why) {
  auto& c = clients_[index];
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, c.socket, nullptr);
  ::close(c.socket);
  c.socket = -1;
  c.at = stage::closed;
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
