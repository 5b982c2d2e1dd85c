#pragma once
// What is on its way to one client. Owns: the bytes that the kernel has not taken yet, in order.
// Small frames are copied together so that they leave in one call; large ones are shared with the
// other recipients. Empty, it holds no buffer.

#include "protocol/delivery.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

class outbox {
public:
  /// From this size on a frame is shared instead of copied (docs/decisions: copying 4 KiB costs
  /// what a vector entry does).
  static constexpr std::size_t share_bytes_min = 4096;

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

  enum class progress : std::uint8_t { done, blocked, broken };
  /// Gives the kernel what it takes: one system call unless the queue has more pieces than fit.
  progress write(int fd);

private:
  friend struct outbox_pool;
  struct piece {
    std::string own;
    protocol::shared_frame shared; ///< set: the bytes are these
    std::string_view bytes() const noexcept {
      return shared ? shared.wire() : std::string_view(own);
    }
  };
  std::vector<piece>& pieces();
  std::string& tail();
  void drop_front(std::size_t bytes);

  std::unique_ptr<std::vector<piece>> pieces_; ///< none while empty
  std::size_t first_ = 0;                      ///< pieces before it have left
  std::size_t first_taken_ = 0;                ///< bytes of the first piece that have left
  std::uint64_t appended_ = 0;
  std::uint64_t taken_ = 0;
};

} // namespace beckon::net
