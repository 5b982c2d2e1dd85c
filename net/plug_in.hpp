#pragma once
// A shared library with behaviours. Owns: nothing; what was loaded stays until the process ends,
// since behaviours and messages of its types may live as long. Used at start only.

#include "actors/behaviours.hpp"

#include <optional>
#include <string>

namespace beckon::net {

/// Loads the file and lets it add its behaviours. A name without a slash is one in the working
/// directory, not in the system's.
/// @returns the line, without the name of the option, that says what is wrong with it
std::optional<std::string> load_plug_in(const std::string& file, actors::behaviours& into);

} // namespace beckon::net
