#pragma once
// How much memory the process may take, as whoever started it has decided. Owns: which files of the
// control groups tell it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

/// What the process has of the machine now, in bytes (proc(5), statm); all 0 where /proc is not.
struct process_memory {
  std::uint64_t address_space = 0; ///< VmSize
  std::uint64_t resident = 0;      ///< VmRSS
};
process_memory memory_of_process() noexcept;

/// RLIMIT_AS; nothing: unlimited. It may be changed while the process runs, by prlimit(1).
std::optional<std::uint64_t> address_space_limit() noexcept;
/// What the machine has.
std::uint64_t memory_of_machine() noexcept;

/// The limits of the control groups that the process is in, innermost first.
class cgroup_limit {
public:
  /// @param root stands before every path: another one in tests
  explicit cgroup_limit(std::string root = {});
  /// The tightest of version 2's memory.max and version 1's memory.limit_in_bytes, as of now;
  /// nothing: unlimited, or in no group.
  std::optional<std::uint64_t> bytes() const;
  const std::vector<std::string>& files() const noexcept { return files_; }

private:
  void add(std::string_view mount, std::string_view mount_root, std::string_view group,
           std::string_view file);

  std::string root_;
  std::vector<std::string> files_;
};

} // namespace beckon::net
