#pragma once
// Frames that are too large to be copied for each recipient. Owns: from which size on that is, how
// large a delivery may become, and the count of what such frames hold in memory.

#include "protocol/base64.hpp"
#include "protocol/limits.hpp"

#include <cstddef>

namespace beckon::protocol {

/// From this size on, header and all, queues share a frame instead of copying it, and its memory is
/// counted.
inline constexpr std::size_t large_frame_bytes_min = 4096;

/// Memory of all large frames that are alive, in queues and on their way to them. Any thread.
std::size_t large_frames_bytes() noexcept;

/// The largest delivery that a client's frame can become: all of it base64, and a head whose names
/// are all quotes, which JSON doubles.
constexpr std::size_t delivery_bytes_max(const limits& bounds) noexcept {
  constexpr std::size_t rest_of_head = 256;
  return base64_bytes(bounds.frame_bytes_max) +
         2 * (bounds.group_bytes_max + bounds.uid_bytes_max) + rest_of_head;
}

} // namespace beckon::protocol
