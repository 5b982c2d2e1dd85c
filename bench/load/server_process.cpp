#include "server_process.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace load {

namespace {

nanoseconds read_clock(clockid_t which) {
  timespec now{};
  if (::clock_gettime(which, &now) != 0)
    throw std::system_error(errno, std::generic_category(),
                            "the CPU clock of a process (has the server ended?)");
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

} // namespace

server_process::server_process(pid_t pid) : pid_(pid) {
  if (const int error = ::clock_getcpuclockid(pid, &cpu_clock_); error != 0)
    throw std::system_error(error, std::generic_category(), "process " + std::to_string(pid));
}

nanoseconds server_process::cpu() const {
  return read_clock(cpu_clock_);
}

server_process::memory server_process::resident() const {
  const std::string path = "/proc/" + std::to_string(pid_) + "/smaps_rollup";
  std::ifstream in(path);
  memory found;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("Rss:"))
      found.resident_bytes = std::stoll(line.substr(4)) * 1024;
    else if (line.starts_with("Anonymous:"))
      found.anonymous_bytes = std::stoll(line.substr(10)) * 1024;
  }
  if (found.resident_bytes == 0)
    throw std::runtime_error("cannot read " + path);
  return found;
}

nanoseconds own_cpu() {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

} // namespace load
