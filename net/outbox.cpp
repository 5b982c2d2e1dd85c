#include "net/outbox.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <deque>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>
#include <vector>

namespace beckon::net {
namespace {

std::atomic<std::size_t> chunk_memory{0}; ///< written when memory is taken or given back only

struct give_back {
  std::size_t bytes = 0;
  void operator()(char* memory) const noexcept {
    delete[] memory;
    chunk_memory.fetch_sub(bytes, std::memory_order_relaxed);
  }
};
using block = std::unique_ptr<char[], give_back>;

block allocate(std::size_t bytes) {
  block fresh(new char[bytes], give_back{bytes}); // not std::make_unique, which fills it
  chunk_memory.fetch_add(bytes, std::memory_order_relaxed);
  return fresh;
}

/// Memory that small frames are gathered in: what lies between `taken` and `end` waits.
struct chunk {
  block memory;
  std::size_t taken = 0, end = 0;
  std::size_t capacity() const noexcept { return memory.get_deleter().bytes; }
  std::size_t waiting() const noexcept { return end - taken; }
  std::size_t room() const noexcept { return capacity() - end; }
  /// Copies as much as there is room for. @returns how much
  std::size_t fill(std::string_view bytes) noexcept {
    auto n = bytes.copy(memory.get() + end, room());
    end += n;
    return n;
  }
};

/// What leaves next: a shared frame, or a run of bytes in the chunks.
struct stretch {
  protocol::shared_frame shared;
  std::size_t left = 0;
  std::string_view rest() const noexcept {
    auto wire = shared.wire();
    return wire.substr(wire.size() - left);
  }
};

} // namespace

/// Cheaper than size(), of which a deque knows only four pointers. @pre it is not empty
template <class T>
static bool has_one(const std::deque<T>& list) {
  return &list.front() == &list.back();
}

struct outbox::content {
  std::deque<chunk> chunks; ///< in order; of the last one a part may be empty
  std::deque<stretch> order;

  template <class F>
  void each_piece(F f) const;
  ssize_t send(int fd) const;
  void reset();
};

/// Keeps what nearly every queue begins with: one chunk of the smallest size, and a stretch of it.
void outbox::content::reset() {
  if (!order.empty() && has_one(order) && !order.front().shared)
    order.front().left = 0;
  else
    order.clear();
  if (chunks.empty())
    return;
  if (!has_one(chunks))
    chunks.resize(1);
  auto& first = chunks.front();
  first.taken = first.end = 0;
  if (first.capacity() > chunk_bytes_min)
    chunks.clear();
}

/// Memory of outboxes that are empty now, for those of the same thread that are not.
struct outbox_pool {
  static constexpr std::size_t kept_max = 256;
  std::vector<std::unique_ptr<outbox::content>> contents; ///< with room for all: giving cannot fail

  outbox_pool() { contents.reserve(kept_max); }
  std::unique_ptr<outbox::content> take() {
    if (contents.empty())
      return std::make_unique<outbox::content>();
    auto one = std::move(contents.back());
    contents.pop_back();
    return one;
  }
  void give(std::unique_ptr<outbox::content> one) {
    if (contents.size() >= kept_max)
      return;
    one->reset();
    contents.push_back(std::move(one));
  }
};
static thread_local outbox_pool spare;

std::size_t outbox::all_held() noexcept {
  return chunk_memory.load(std::memory_order_relaxed);
}

outbox::outbox() = default;
outbox::outbox(outbox&&) noexcept = default;
outbox& outbox::operator=(outbox&&) noexcept = default;
outbox::~outbox() = default;

// ---- what comes in ----

void outbox::append(std::string_view bytes) {
  if (bytes.empty())
    return;
  make_room(bytes.size());
  copy(bytes);
}

void outbox::append(const protocol::shared_frame& frame) {
  auto bytes = frame.wire();
  if (bytes.size() < share_bytes_min)
    return append(bytes);
  filled().order.push_back({frame, bytes.size()});
  appended_ += bytes.size();
}

void outbox::append_message(protocol::opcode op, std::string_view payload) {
  if (payload.size() >= share_bytes_min) { // a block of just its size
    auto fill = [&](char* out) { payload.copy(out, payload.size()); };
    return append(protocol::shared_frame::make(op, payload.size(), fill));
  }
  char header[protocol::header_bytes_max];
  auto length = protocol::write_header(header, op, payload.size());
  make_room(length + payload.size());
  copy({header, length});
  copy(payload);
}

outbox::content& outbox::filled() {
  if (!content_) {
    content_ = spare.take();
    held_ = content_->chunks.empty() ? 0 : content_->chunks.front().capacity();
  }
  return *content_;
}

/// Sees to it that so many bytes can be copied in.
void outbox::make_room(std::size_t bytes) {
  auto& [chunks, order] = filled();
  if (order.empty() || order.back().shared)
    order.emplace_back();
  auto room = chunks.empty() ? 0 : chunks.back().room();
  if (room >= bytes)
    return;
  auto share = std::max(std::min(queued(), chunk_bytes_middle), queued() / 8);
  auto size = std::max(bytes - room, std::clamp(share, chunk_bytes_min, chunk_bytes_max));
  chunks.push_back({allocate(size)});
  held_ += size;
}

/// @pre there is room
void outbox::copy(std::string_view bytes) noexcept {
  auto& [chunks, order] = *content_;
  order.back().left += bytes.size();
  appended_ += bytes.size();
  auto& last = chunks.back();
  if (last.end == 0 && !has_one(chunks)) // made for what the one before it has no room for
    bytes.remove_prefix((chunks.end() - 2)->fill(bytes));
  last.fill(bytes);
}

// ---- what goes out ----

/// Calls `f` with the bytes of each piece in turn until it returns false.
template <class F>
void outbox::content::each_piece(F f) const {
  auto from = chunks.begin();
  std::size_t used = 0; // of what waits in `from`
  for (auto& next : order) {
    if (next.shared && !f(next.rest()))
      return;
    for (auto left = next.shared ? 0 : next.left; left > 0;) {
      auto here = std::min(left, from->waiting() - used);
      if (here > 0 && !f(std::string_view(from->memory.get() + from->taken + used, here)))
        return;
      left -= here;
      used += here;
      if (used == from->waiting() && left > 0) {
        ++from;
        used = 0;
      }
    }
  }
}

/// Gives the kernel the next pieces, as many as one call takes. @pre there are some
ssize_t outbox::content::send(int fd) const {
  constexpr auto flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (has_one(order) && !order.front().shared && has_one(chunks)) { // nearly always
    auto& all = chunks.front();
    return ::send(fd, all.memory.get() + all.taken, all.waiting(), flags);
  }
  std::array<iovec, pieces_per_call> vectors;
  std::size_t count = 0;
  each_piece([&](std::string_view bytes) {
    vectors[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
    return count < pieces_per_call;
  });
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  return ::sendmsg(fd, &message, flags);
}

outbox::progress outbox::write(int fd) {
  while (queued() > 0) {
    auto n = content_->send(fd);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK ? progress::blocked : progress::broken;
    drop_front(static_cast<std::size_t>(n));
  }
  return progress::done;
}

void outbox::clear() {
  if (!empty())
    drop_front(queued());
}

void outbox::drop_front(std::size_t bytes) {
  assert(bytes <= queued());
  taken_ += bytes;
  if (queued() == 0) {
    held_ = 0;
    return spare.give(std::exchange(content_, nullptr));
  }
  auto& order = content_->order;
  while (bytes > 0) {
    auto& front = order.front();
    auto n = std::min(bytes, front.left);
    if (!front.shared)
      drop_copied(n);
    front.left -= n;
    bytes -= n;
    if (front.left == 0)
      order.pop_front();
  }
}

/// The chunks whose last byte has left are given back.
void outbox::drop_copied(std::size_t bytes) {
  auto& chunks = content_->chunks;
  while (bytes > 0) {
    auto& front = chunks.front();
    auto n = std::min(bytes, front.waiting());
    front.taken += n;
    bytes -= n;
    if (front.waiting() > 0)
      return;
    held_ -= front.capacity();
    chunks.pop_front();
  }
}

} // namespace beckon::net
