#pragma once
// A file for one test, gone with it.

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace beckon::net {

class scratch_file {
public:
  explicit scratch_file(std::string_view bytes, mode_t mode = 0600) {
    std::string pattern = "/tmp/beckon_test_XXXXXX";
    auto fd = ::mkstemp(pattern.data());
    if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
        ::fchmod(fd, mode) != 0)
      throw std::runtime_error("no scratch file");
    ::close(fd);
    path_ = pattern;
  }
  ~scratch_file() { ::unlink(path_.c_str()); }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;

  const std::string& path() const { return path_; }

private:
  std::string path_;
};

} // namespace beckon::net
