#pragma once
// What /metrics says, in Prometheus' text format. Owns: the names of the metrics and how the
// threads' cells add up. Called by the operator's listener, on any thread; keeps nothing.

#include "actors/behaviours.hpp"
#include "actors/cluster_view.hpp"
#include "actors/counters.hpp"
#include "net/cluster_counters.hpp"
#include "net/memory_watermark.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace beckon::net {

/// What the numbers come from; a null has nothing to tell.
struct metric_sources {
  std::span<const actors::counters* const> threads = {};
  std::uint64_t log_lines_dropped = 0;
  const memory_view* memory = nullptr;            ///< as last measured
  const cluster_counters* cluster = nullptr;      ///< what the gate counted
  const actors::cluster_view* peers = nullptr;    ///< what the hub has shown
  const actors::behaviours* behaviours = nullptr; ///< what became of each
};
/// Adds the process's resident memory and the build. The text goes out as
/// `text/plain; version=0.0.4; charset=utf-8`.
std::string metrics_text(const metric_sources& from);

} // namespace beckon::net
