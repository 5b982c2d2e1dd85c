// beckon_floor: the job of the benchmark by the least code that can do it, to see what the kernel
// charges on this machine. No checks, no limits, no other protocol than what beckon_load sends: a
// yardstick and nothing to build on. One system call to read and one to write per client and turn,
// as beckon has it. Prints `listening on ws://127.0.0.1:PORT/ws`.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

struct client {
  explicit client(int accepted) : socket(accepted) {}

  int socket;
  bool is_open = false;
  bool is_dirty = false;
  std::string uid, group;
  std::string unread, unsent;
};

int epoll;
std::unordered_map<std::string, client*> users;
std::unordered_map<std::string, std::vector<client*>> groups;
std::vector<client*> dirty;
std::array<char, 256 * 1024> buffer;

void write(client& to, std::string_view bytes) {
  to.unsent += bytes;
  if (!to.is_dirty) {
    to.is_dirty = true;
    dirty.push_back(&to);
  }
}

std::string framed(std::string_view text) {
  std::string out = "\x81";
  if (text.size() < 126) {
    out += static_cast<char>(text.size());
  } else {
    out += '\x7e';
    out += static_cast<char>(text.size() >> 8 & 0xff);
    out += static_cast<char>(text.size() & 0xff);
  }
  return out += text;
}

/// What stands between `before` and the next `end`.
std::string_view between(std::string_view text, std::string_view before, char end) {
  const auto at = text.find(before);
  if (at == std::string_view::npos)
    return {};
  text.remove_prefix(at + before.size());
  return text.substr(0, text.find(end));
}

void route(client& from, std::string_view text) {
  const bool is_publication = text.starts_with(R"({"type":"publish")");
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  std::string out =
      is_publication ? R"({"type":"message","group":")" : R"({"type":"direct","group":")";
  out += from.group;
  out += R"(","from":")";
  out += from.uid;
  out += R"(","at":)";
  out += std::to_string(at.count());
  out += R"(,"data":")";
  out += between(text, R"("data":")", '"');
  out += R"("})";
  const auto frame = framed(out);
  if (is_publication) {
    for (auto* member : groups[from.group])
      if (member != &from)
        write(*member, frame);
    return;
  }
  if (const auto to = users.find(std::string(between(text, R"("to":")", '"'))); to != users.end())
    write(*to->second, frame);
  if (const auto id = between(text, R"("id":)", ','); !id.empty())
    write(from, framed(R"({"type":"ok","id":)" + std::string(id) + "}"));
}

/// Answers the upgrade of beckon_load, whose key is always the same.
void open(client& c, std::string_view request) {
  c.uid = between(request, "uid=", '&');
  c.group = between(request, "group=", ' ');
  c.is_open = true;
  users[c.uid] = &c;
  groups[c.group].push_back(&c);
  write(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: "
           "beckon.v1\r\n\r\n");
  write(c, framed(R"({"type":"welcome"})"));
}

/// Routes the whole frames of `bytes`. @returns how many bytes they were.
std::size_t take(client& c, std::string_view bytes) {
  static std::string text;
  std::size_t taken = 0;
  for (;;) {
    const auto rest = bytes.substr(taken);
    if (rest.size() < 4)
      return taken;
    const auto at = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(rest[i]));
    };
    const bool is_short = (at(1) & 0x7f) < 126;
    const std::size_t length = is_short ? at(1) & 0x7f : at(2) << 8 | at(3);
    const std::size_t key = is_short ? 2 : 4;
    if (rest.size() < key + 4 + length)
      return taken;
    text.assign(rest.substr(key + 4, length));
    for (std::size_t i = 0; i != length; ++i)
      text[i] = static_cast<char>(text[i] ^ rest[key + i % 4]);
    route(c, text);
    taken += key + 4 + length;
  }
}

/// @returns false when the client has gone.
bool read(client& c) {
  const ssize_t got = ::recv(c.socket, buffer.data(), buffer.size(), 0);
  if (got <= 0)
    return false;
  std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  if (!c.unread.empty())
    bytes = c.unread += bytes;
  if (!c.is_open) {
    if (bytes.ends_with("\r\n\r\n"))
      open(c, bytes);
    return true;
  }
  const std::size_t taken = take(c, bytes);
  c.unread = std::string(bytes.substr(taken));
  return true;
}

void watch(int socket, void* tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = tag;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

void accept_all(int listener) {
  const int on = 1;
  for (int socket = 0; (socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(socket, new client(socket)); // Lives as long as the process.
  }
}

void flush() {
  for (auto* c : dirty) {
    c->is_dirty = false;
    // What does not fit is lost; the generator would report it.
    ::send(c->socket, c->unsent.data(), c->unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    c->unsent.clear();
  }
  dirty.clear();
}

} // namespace

int main() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener, 512) != 0) {
    std::perror("beckon_floor");
    return 1;
  }
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on ws://127.0.0.1:%d/ws\n", ntohs(address.sin_port));
  std::fflush(stdout);

  epoll = ::epoll_create1(0);
  watch(listener, nullptr);
  for (std::array<epoll_event, 64> events{};;) {
    const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      auto* c = static_cast<client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (c == nullptr)
        accept_all(listener);
      else if (!read(*c))
        ::epoll_ctl(epoll, EPOLL_CTL_DEL, c->socket, nullptr);
    }
    flush();
  }
}
