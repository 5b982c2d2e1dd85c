#pragma once
// Every option of `beckon serve`, once. Owns: the rows: name, unit, default, reason, range, how it
// is read and printed. Command line, environment, file, --help and --print-config are all made from
// them; immutable.

#include "net/option_row.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

/// In the order of --help.
const std::vector<option_row>& option_table();
/// @returns the row, or null.
const option_row* find_option(std::string_view name);
/// `BECKON_` and the name in upper case, `-` and `.` as `_`.
std::string variable_of(std::string_view option);

} // namespace beckon::net
