#pragma once
// What /metrics says, in Prometheus' text format. Owns: the names of the metrics and how the
// threads' cells add up. Called by the operator's listener, on any thread; keeps nothing.

#include "actors/behaviours.hpp"
#include "actors/counters.hpp"
#include "net/cluster_counters.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace beckon::net {

/// Sums the threads' counters and adds the process's resident memory, the build and the log's
/// losses; what the cluster gate counted, and what became of each behaviour, where there are some.
/// The text goes out as `text/plain; version=0.0.4; charset=utf-8`.
std::string metrics_text(std::span<const actors::counters* const> threads,
                         std::uint64_t log_lines_dropped, const cluster_counters* cluster = nullptr,
                         const actors::behaviours* behaviours = nullptr);

} // namespace beckon::net
