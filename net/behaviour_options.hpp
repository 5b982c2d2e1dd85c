#pragma once
// The options of behaviours: which group gets which, from where they come, what they are told.
// Owns: how these are written. Used at start, and again at SIGHUP.

#include "net/option_row.hpp"

#include <string_view>
#include <vector>

namespace beckon::net {

/// Their rows of the table.
std::vector<option_row> behaviour_options();

/// The behaviour whose options a section of the file has: `NAME` of `behaviour.NAME`. Empty: it is
/// no such section.
std::string_view behaviour_of_section(std::string_view section);

} // namespace beckon::net
