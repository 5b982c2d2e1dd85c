#pragma once
// What a run found: one JSON line for programs, one line for people. Owns: the names of the
// figures.

#include "fleet.hpp"
#include "run.hpp"
#include "traffic.hpp"

#include <string>

namespace load {

struct report {
  std::string scenario;
  std::string server; ///< the label given on the command line
  fleet::shape shape;
  plan planned;
  figures found;
  faults wrong;
};

/// One object, no line end. Times in nanoseconds.
std::string to_json(const report& r);
std::string to_sentence(const report& r);

} // namespace load
