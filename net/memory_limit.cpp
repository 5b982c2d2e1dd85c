#include "net/memory_limit.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace beckon::net {
namespace {

/// Version 1 says "unlimited" by the largest whole number of pages.
constexpr std::uint64_t unlimited_min = std::uint64_t{1} << 60;

std::uint64_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    auto end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == word)
      return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

/// The process's group in the hierarchy of version 2 (`controller` empty) or of a controller of
/// version 1, as /proc/self/cgroup has it: `4:memory:/a/b`.
std::optional<std::string> own_group(const std::string& root, std::string_view controller) {
  std::ifstream lines(root + "/proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    auto names = std::string_view(line).substr(first + 1, second - first - 1);
    if (controller.empty() ? names.empty() : has_word(names, controller))
      return line.substr(second + 1);
  }
  return {};
}

std::optional<std::uint64_t> read_limit(const std::string& file) {
  std::ifstream in(file);
  std::string word;
  std::uint64_t bytes = 0;
  if (!(in >> word))
    return {};
  auto read = std::from_chars(word.data(), word.data() + word.size(), bytes);
  if (read.ec != std::errc{} || bytes >= unlimited_min)
    return {}; // "max"
  return bytes;
}

} // namespace

process_memory memory_of_process() noexcept {
  auto fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return {};
  char text[128];
  auto n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (n <= 0)
    return {};
  text[n] = '\0';
  char* rest = nullptr;
  auto pages = std::strtoull(text, &rest, 10);
  auto resident = std::strtoull(rest, nullptr, 10);
  return {pages * page_bytes(), resident * page_bytes()};
}

std::optional<std::uint64_t> address_space_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return {};
  return limit.rlim_cur;
}

std::uint64_t memory_of_machine() noexcept {
  auto pages = ::sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? static_cast<std::uint64_t>(pages) * page_bytes() : 0;
}

cgroup_limit::cgroup_limit(std::string root) : root_(std::move(root)) {
  auto own = own_group(root_, {});
  auto own_memory = own_group(root_, "memory");
  std::ifstream mounts(root_ + "/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) { // proc(5)
    std::istringstream words(line);
    std::string skipped, mount_root, mount, type, options;
    words >> skipped >> skipped >> skipped >> mount_root >> mount;
    while (words >> skipped && skipped != "-") {
    }
    words >> type >> skipped >> options;
    if (type == "cgroup2" && own)
      add(mount, mount_root, *own, "memory.max");
    else if (type == "cgroup" && own_memory && has_word(options, "memory"))
      add(mount, mount_root, *own_memory, "memory.limit_in_bytes");
  }
}

/// The group's file, and those of the groups around it, as far as this mount shows them.
void cgroup_limit::add(std::string_view mount, std::string_view mount_root, std::string_view group,
                       std::string_view file) {
  if (mount_root != "/" && group.starts_with(mount_root))
    group.remove_prefix(mount_root.size());
  while (true) {
    while (group.ends_with('/'))
      group.remove_suffix(1);
    auto path = root_;
    path.append(mount).append(group).append("/").append(file);
    files_.push_back(std::move(path));
    if (group.empty())
      return;
    group = group.substr(0, group.rfind('/'));
  }
}

std::optional<std::uint64_t> cgroup_limit::bytes() const {
  std::optional<std::uint64_t> least;
  for (auto& file : files_)
    if (auto limit = read_limit(file))
      least = std::min(least.value_or(*limit), *limit);
  return least;
}

} // namespace beckon::net
