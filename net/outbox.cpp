#include "net/outbox.hpp"

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>

namespace beckon::net {

/// Buffers of outboxes that are empty now, for those of the same thread that are not.
struct outbox_pool {
  static constexpr std::size_t kept_max = 256;
  static constexpr std::size_t buffer_bytes_max = 64 * 1024;
  std::vector<std::string> buffers;
  std::vector<std::unique_ptr<std::vector<outbox::piece>>> queues;

  template <class T>
  static T take(std::vector<T>& kept) {
    if (kept.empty())
      return {};
    auto one = std::move(kept.back());
    kept.pop_back();
    return one;
  }
  void give(std::string buffer) {
    if (buffer.capacity() > buffer_bytes_max || buffers.size() >= kept_max)
      return;
    buffer.clear();
    buffers.push_back(std::move(buffer));
  }
  void give(std::unique_ptr<std::vector<outbox::piece>> queue) {
    queue->clear();
    if (queues.size() < kept_max)
      queues.push_back(std::move(queue));
  }
};
static thread_local outbox_pool spare;

void outbox::append(std::string_view bytes) {
  tail().append(bytes);
  appended_ += bytes.size();
}

void outbox::append(const protocol::shared_frame& frame) {
  auto bytes = frame.wire();
  if (bytes.size() < share_bytes_min)
    return append(bytes);
  pieces().push_back({{}, frame});
  appended_ += bytes.size();
}

void outbox::append_message(protocol::opcode op, std::string_view payload) {
  char header[protocol::header_bytes_max];
  auto length = protocol::write_header(header, op, payload.size());
  auto& buffer = tail();
  buffer.append(header, length).append(payload);
  appended_ += length + payload.size();
}

std::vector<outbox::piece>& outbox::pieces() {
  if (!pieces_)
    pieces_ = outbox_pool::take(spare.queues);
  if (!pieces_)
    pieces_ = std::make_unique<std::vector<piece>>();
  return *pieces_;
}

/// The buffer that small frames are gathered in.
std::string& outbox::tail() {
  auto& list = pieces();
  if (list.empty() || list.back().shared)
    list.push_back({outbox_pool::take(spare.buffers), {}});
  return list.back().own;
}

outbox::progress outbox::write(int fd) {
  static constexpr std::size_t pieces_per_call = 64;
  while (queued() > 0) {
    std::array<iovec, pieces_per_call> vectors;
    std::size_t count = 0;
    auto skip = first_taken_;
    for (auto i = first_; i < pieces_->size() && count < pieces_per_call; ++i, skip = 0) {
      auto bytes = (*pieces_)[i].bytes().substr(skip);
      vectors[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    auto n = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK ? progress::blocked : progress::broken;
    drop_front(static_cast<std::size_t>(n));
  }
  return progress::done;
}

void outbox::drop_front(std::size_t bytes) {
  taken_ += bytes;
  while (bytes > 0) {
    auto& front = (*pieces_)[first_];
    auto left = front.bytes().size() - first_taken_;
    if (bytes < left) {
      first_taken_ += bytes;
      break;
    }
    bytes -= left;
    first_taken_ = 0;
    front.shared = {};
    spare.give(std::exchange(front.own, {}));
    ++first_;
  }
  if (queued() == 0) {
    spare.give(std::exchange(pieces_, nullptr));
    first_ = 0;
  }
}

} // namespace beckon::net
