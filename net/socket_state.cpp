#include "net/socket_state.hpp"

#include <algorithm>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace beckon::net {

kernel_queue left_in_kernel(int fd) noexcept {
  int all = 0, unsent = 0;
  if (::ioctl(fd, SIOCOUTQ, &all) != 0 || ::ioctl(fd, SIOCOUTQNSD, &unsent) != 0)
    return {};
  return {.unacknowledged = static_cast<std::size_t>(std::max(0, all - unsent)),
          .unsent = static_cast<std::size_t>(std::max(0, unsent))};
}

int error_of(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : 0;
}

} // namespace beckon::net
