#pragma once
// The command line of the generator. Owns: the scenarios and what each is made of, unless options
// say otherwise.

#include "dialect.hpp"
#include "report.hpp"
#include "run.hpp"

#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

namespace load {

/// What the clients do. Several scenarios may be one job in different shapes.
enum class job : std::uint8_t { direct, multicast, multicast_split, publish, churn, storm, idle };

struct settings {
  report described; ///< scenario, server, shape and plan; the rest is what the run will find
  job what = job::direct;
  const dialect* words = &beckon_v1;
  std::vector<pid_t> pids;
  phases times;
};

/// Nothing when only help was asked for; it is printed then.
/// @throws std::exception that says what is wrong.
std::optional<settings> parse(int argc, const char* const* argv);

} // namespace load
