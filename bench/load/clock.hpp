#pragma once
// The generator's one clock: monotonic, in nanoseconds. Latencies and deadlines are taken from it
// and from nothing else.

#include <chrono>

namespace load {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using std::chrono::nanoseconds;

} // namespace load
