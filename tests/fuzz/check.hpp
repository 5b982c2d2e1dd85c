#pragma once
// What a fuzz target expects. Unlike assert it is there in every build.

#include <string_view>

namespace beckon::test {

inline void check(bool expected) {
  if (!expected)
    __builtin_trap(); // The stack of the report names the line.
}

inline bool lies_in(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

} // namespace beckon::test
