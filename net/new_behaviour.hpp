#pragma once
// A project for a behaviour, ready to be built. Owns: nothing; its files come from
// cmake/new_behaviour, where they can be read as what they are.

#include <string_view>
#include <vector>

namespace beckon::net {

/// `my_behaviour` in both stands for the behaviour's name.
struct project_file {
  std::string_view name;
  std::string_view text;
};
std::vector<project_file> new_behaviour_files();

/// `beckon new-behaviour NAME`: writes the project into ./NAME. argv[0] is the command's name.
/// @returns the exit status: 0, or 78 (EX_CONFIG) after one line on stderr
int new_behaviour_command(int argc, const char* const* argv);

} // namespace beckon::net
