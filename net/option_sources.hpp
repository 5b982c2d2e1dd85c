#pragma once
// What the operator wrote, and where: command line, environment, file. Owns: their syntax, and the
// line that names what is wrong in them. Values are looked at by the rows of the table, not here.
// Used at start only.

#include "net/option_table.hpp"

#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

/// Longest configuration file.
inline constexpr std::size_t config_bytes_max = 1024 * 1024;

struct given_value {
  const option_row* row = nullptr;
  std::string text;
  std::string where; ///< as an error names it: `--port`, `BECKON_PORT`, `beckon.ini:3: port`
};
/// In the order in which they stand, or the line that says what is wrong.
using given_values = boost::system::result<std::vector<given_value>, std::string>;

/// argv[0] is skipped. A flag without a value is given "true", a command "".
given_values read_command_line(int argc, const char* const* argv);
/// Variables that start with BECKON_; each must belong to an option. Lists are separated by commas.
given_values read_environment(const char* const* envp);
/// Lines `name = value`; blanks around both are ignored; a comment starts with `#` or `;` at the
/// start of its line. Below `[behaviour.NAME]` each line is an option of that behaviour, as if it
/// were `behaviour-option = NAME.name=value`; `[beckon]` or `[]` goes back. `where` names who asked
/// for the file: `--config` or `BECKON_CONFIG`.
given_values read_configuration_file(const std::string& path, std::string_view where);

/// Without control characters, on one line whatever a client of ours wrote.
std::string one_line(std::string_view text);
/// Without blanks at both ends.
std::string_view trimmed(std::string_view text);

/// `text` in single quotes, on one line: control characters as `?`, cut after 100 bytes.
std::string in_quotes(std::string_view text);

} // namespace beckon::net
