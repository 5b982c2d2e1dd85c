#pragma once
// What the server has used, by the kernel's account of its processes. Owns: nothing; reads /proc
// and the processes' CPU clocks.

#include "clock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <vector>

namespace load {

class server_process {
public:
  /// All the processes that are the server, such as workers and a database.
  /// @throws std::system_error when there is no such process.
  explicit server_process(std::vector<pid_t> pids);

  /// User and system time of all its threads, ended ones included, in nanoseconds (the sum behind
  /// utime + stime of /proc/PID/stat, which shows it in steps of 10 ms).
  nanoseconds cpu() const;

  struct memory {
    std::int64_t resident_bytes = 0;  ///< all of its user-space pages: Rss
    std::int64_t anonymous_bytes = 0; ///< the share that is heap and stacks: Anonymous
  };
  /// From /proc/PID/smaps_rollup. What the kernel keeps for its sockets is not in it.
  memory resident() const;

private:
  std::vector<pid_t> pids_;
  std::vector<clockid_t> cpu_clocks_;
};

/// User and system time of this process.
nanoseconds own_cpu();

} // namespace load
