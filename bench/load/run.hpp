#pragma once
// One run: warm up, measure, let everything in flight arrive, audit. Owns: the phases and their
// figures.

#include "fleet.hpp"
#include "server_process.hpp"
#include "traffic.hpp"

#include <chrono>

namespace load {

struct phases {
  nanoseconds warm_up{};
  nanoseconds measured{};
};

struct figures {
  nanoseconds elapsed{};
  nanoseconds server_cpu{};
  nanoseconds own_cpu{};
  tally counted;
  server_process::memory before_clients; ///< before the first connection
  server_process::memory with_clients;   ///< all joined, nothing sent yet
  server_process::memory after_traffic;  ///< when the measured time was over
  std::uint64_t pings = 0;               ///< that clients answered while measured
  /// Behind the measured time, until all that was in flight had arrived. Where nothing was
  /// delivered and no CPU used while it was measured, this tells a server that hung (or lost it
  /// all) from one that the machine did not let run: that one delivers at once when it runs again.
  struct drain {
    nanoseconds elapsed{};
    nanoseconds server_cpu{};
    std::uint64_t delivered = 0;
  } drained;
};

/// Waits until the server's memory has rested for a second (at most ten), so that work put off is
/// counted.
server_process::memory settle(fleet& clients, const server_process& server);

/// Nothing is sent: what the clients cost by being there.
void run_idle(fleet& clients, const server_process& server, const phases& times, figures& into);

/// All connections are reset, and all clients come back at once: the time until the last of them is
/// welcome. Then each sends one message to the next, so that nobody is welcome and not reachable.
void run_storm(fleet& clients, const server_process& server, figures& into);

/// `messages_max` of the plan ends the run instead of the time, and there is no warm-up then.
void run_traffic(fleet& clients, traffic& what, const server_process& server, const phases& times,
                 figures& into);

} // namespace load
