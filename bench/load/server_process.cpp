#include "server_process.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace load {

namespace {

nanoseconds read_clock(clockid_t which) {
  timespec now{};
  if (::clock_gettime(which, &now) != 0)
    throw std::system_error(errno, std::generic_category(),
                            "the CPU clock of a process (has the server ended?)");
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

void add_resident(pid_t pid, server_process::memory& sum) {
  const std::string path = "/proc/" + std::to_string(pid) + "/smaps_rollup";
  std::ifstream in(path);
  bool is_read = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("Rss:")) {
      sum.resident_bytes += std::stoll(line.substr(4)) * 1024;
      is_read = true;
    } else if (line.starts_with("Anonymous:")) {
      sum.anonymous_bytes += std::stoll(line.substr(10)) * 1024;
    }
  }
  if (!is_read)
    throw std::runtime_error("cannot read " + path);
}

} // namespace

server_process::server_process(std::vector<pid_t> pids) : pids_(std::move(pids)) {
  for (const auto pid : pids_) {
    clockid_t its{};
    if (const int error = ::clock_getcpuclockid(pid, &its); error != 0)
      throw std::system_error(error, std::generic_category(), "process " + std::to_string(pid));
    cpu_clocks_.push_back(its);
  }
}

nanoseconds server_process::cpu() const {
  nanoseconds sum{0};
  for (const auto its : cpu_clocks_)
    sum += read_clock(its);
  return sum;
}

server_process::memory server_process::resident() const {
  memory sum;
  for (const auto pid : pids_)
    add_resident(pid, sum);
  return sum;
}

nanoseconds own_cpu() {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

} // namespace load
