#pragma once
// What is on its way to one client. Owns: the bytes that the kernel has not taken yet, in order.
// Small frames are copied together so that they leave in one call; large ones are shared with the
// other recipients. Memory goes back as the kernel takes what lies in it; empty, it holds none.

#include "protocol/delivery.hpp"
#include "protocol/large_frames.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace beckon::net {

class outbox {
public:
  /// From this size on a frame is shared instead of copied (docs/decisions: copying 4 KiB costs
  /// what a queue's entry does).
  static constexpr std::size_t share_bytes_min = protocol::large_frame_bytes_min;
  /// Small frames lie in chunks. The first is of the smallest size; then each is as large as what
  /// is queued, up to the middle size, and from there on as an eighth of it, up to the largest: so
  /// a queue of more than eight middle ones holds an eighth of waste at each end, at most.
  static constexpr std::size_t chunk_bytes_min = 1024;
  static constexpr std::size_t chunk_bytes_middle = 4 * 1024;
  static constexpr std::size_t chunk_bytes_max = 16 * 1024;
  /// iovecs of one system call.
  static constexpr std::size_t pieces_per_call = 64;

  outbox();
  outbox(outbox&&) noexcept;
  outbox& operator=(outbox&&) noexcept;
  ~outbox();

  // Of these three none leaves a part behind when memory runs out.
  void append(std::string_view bytes);
  void append(const protocol::shared_frame& frame);
  /// A message of our own making: its header and bytes.
  void append_message(protocol::opcode op, std::string_view payload);

  bool empty() const noexcept { return queued() == 0; }
  /// Bytes that the kernel has not taken yet.
  std::size_t queued() const noexcept { return static_cast<std::size_t>(appended_ - taken_); }
  /// Stream position behind the last byte appended, and behind the last one that the kernel took.
  std::uint64_t appended() const noexcept { return appended_; }
  std::uint64_t taken() const noexcept { return taken_; }
  /// Memory of its chunks.
  std::size_t held() const noexcept { return held_; }
  /// Memory of the chunks of all outboxes, and of those that wait for the next. What outboxes share
  /// is protocol::large_frames_bytes. Any thread.
  static std::size_t all_held() noexcept;

  enum class progress : std::uint8_t { done, blocked, broken };
  /// Gives the kernel what it takes: one system call unless the queue has more pieces than fit.
  progress write(int fd);
  /// Forgets what is queued, as if it had been taken: it can reach nobody.
  void clear();

private:
  struct content;
  friend struct outbox_pool;
  content& filled();
  void make_room(std::size_t bytes);
  void copy(std::string_view bytes) noexcept;
  void drop_front(std::size_t bytes);
  void drop_copied(std::size_t bytes);

  std::unique_ptr<content> content_; ///< none while empty
  std::uint64_t appended_ = 0;
  std::uint64_t taken_ = 0;
  std::size_t held_ = 0;
};

} // namespace beckon::net
