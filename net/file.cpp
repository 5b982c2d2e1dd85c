#include "net/file.hpp"

#include <boost/system/errc.hpp>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace beckon::net {

namespace {

struct descriptor {
  int fd;
  ~descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
};

boost::system::error_code last_error() {
  return {errno, boost::system::system_category()};
}

} // namespace

boost::system::result<small_file> read_small_file(const std::string& path, std::size_t bytes_max) {
  descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat about = {};
  if (file.fd < 0 || ::fstat(file.fd, &about) != 0)
    return last_error();
  small_file result;
  result.world_readable = S_ISREG(about.st_mode) && (about.st_mode & S_IROTH) != 0;
  char block[4096];
  for (;;) {
    auto n = ::read(file.fd, block, sizeof block);
    if (n == 0)
      return result;
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return last_error();
    result.bytes.append(block, static_cast<std::size_t>(n));
    if (result.bytes.size() > bytes_max)
      return make_error_code(boost::system::errc::file_too_large);
  }
}

} // namespace beckon::net
