#pragma once
// The options for protocol.md section 8: one for every field of protocol::limits but the time-out,
// which stands with the others. Owns: their names, ranges and reasons. Part of the option table.

#include "net/option_row.hpp"

#include <vector>

namespace beckon::net {

std::vector<option_row> limit_options();

} // namespace beckon::net
