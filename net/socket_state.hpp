#pragma once
// What the kernel knows of a TCP socket. Owns: nothing. Any thread that has the socket.

#include <cstddef>

namespace beckon::net {

/// What a socket was given and its peer has not acknowledged. A peer that is there and does not
/// read acknowledges all that leaves, so that the rest stays unsent; of one that is not there, what
/// left is unacknowledged.
struct kernel_queue {
  std::size_t unacknowledged = 0; ///< bytes that have left
  std::size_t unsent = 0;
};
/// Also of a connection that the kernel has given up. Nothing, where the socket is none of TCP.
kernel_queue left_in_kernel(int fd) noexcept;

/// The error that has ended the socket, once; 0: none.
int error_of(int fd) noexcept;

} // namespace beckon::net
