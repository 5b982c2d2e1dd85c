#include "net/option_sources.hpp"

#include "net/behaviour_options.hpp"
#include "net/file.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <map>

namespace beckon::net {

namespace {

namespace po = boost::program_options;

/// What holds for every value, so that each can be printed as a line of a file and read back.
std::optional<std::string> unprintable(const given_value& given) {
  if (given.row->arity == option_arity::command)
    return {};
  if (given.text.empty())
    return given.where + ": the value is empty";
  if (one_line(given.text) != given.text)
    return given.where + ": " + in_quotes(given.text) + " contains a control character";
  if (trimmed(given.text) != given.text)
    return given.where + ": " + in_quotes(given.text) + " starts or ends with a blank";
  return {};
}

/// The options that may stand once only must not stand twice in one source.
std::optional<std::string> twice(const std::vector<given_value>& values) {
  std::map<const option_row*, const given_value*> seen;
  for (const auto& given : values) {
    auto [first, is_new] = seen.try_emplace(given.row, &given);
    if (!is_new && given.row->arity != option_arity::many)
      return given.where + ": given twice";
  }
  return {};
}

given_values checked(std::vector<given_value> values) {
  for (const auto& given : values)
    if (auto line = unprintable(given))
      return *line;
  if (auto line = twice(values))
    return *line;
  return values;
}

po::options_description describe_command_line() {
  po::options_description description;
  for (const auto& row : option_table()) {
    std::string name(row.name);
    if (row.arity == option_arity::command)
      description.add_options()(name.c_str(), "");
    else if (row.arity == option_arity::flag)
      description.add_options()(name.c_str(), po::value<std::string>()->implicit_value({}), "");
    else
      description.add_options()(name.c_str(), po::value<std::string>(), "");
  }
  return description;
}

bool may_be_variable(const option_row& row) {
  return row.arity != option_arity::command;
}
bool may_be_in_file(const option_row& row) {
  return may_be_variable(row) && row.arity != option_arity::source;
}

const option_row* row_of_variable(std::string_view variable) {
  const auto& table = option_table();
  auto row = std::find_if(table.begin(), table.end(), [&](const auto& r) {
    return may_be_variable(r) && variable_of(r.name) == variable;
  });
  return row == table.end() ? nullptr : &*row;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// What stands between the commas, without the blanks around it.
std::vector<std::string_view> elements_of(std::string_view list) {
  std::vector<std::string_view> elements;
  for (;;) {
    auto comma = list.find(',');
    elements.push_back(trimmed(list.substr(0, comma)));
    if (comma == list.npos)
      return elements;
    list.remove_prefix(comma + 1);
  }
}

/// One file while it is read.
struct file_reader {
  std::vector<given_value> values = {};
  std::string behaviour = {}; ///< whose section this is; empty: beckon's own

  /// @returns what is wrong with the line, without its place
  std::optional<std::string> take(std::string_view line, const std::string& place);
  std::optional<std::string> take_section(std::string_view line);
};

std::optional<std::string> file_reader::take_section(std::string_view line) {
  auto section = trimmed(line.substr(1, line.size() - 2));
  behaviour = behaviour_of_section(section);
  if (behaviour.empty() && !section.empty() && section != "beckon")
    return in_quotes(line) + " is no section ([behaviour.NAME], [beckon] and [] are)";
  return {};
}

std::optional<std::string> file_reader::take(std::string_view line, const std::string& place) {
  if (line.starts_with('[') && line.ends_with(']'))
    return take_section(line);
  auto equals = line.find('=');
  if (equals == line.npos)
    return in_quotes(line) + " is not NAME = VALUE";
  std::string name(trimmed(line.substr(0, equals)));
  std::string value(trimmed(line.substr(equals + 1)));
  if (!behaviour.empty()) {
    values.push_back({find_option("behaviour-option"), behaviour + '.' + name + '=' + value,
                      place + one_line(name)});
    return {};
  }
  const auto* row = find_option(name);
  if (!row || !may_be_in_file(*row))
    return in_quotes(name) + (row ? " cannot stand in a file" : " is not an option");
  values.push_back({row, std::move(value), place + name});
  return {};
}

} // namespace

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return line;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  auto first = std::min(text.find_first_not_of(blanks), text.size());
  auto last = text.find_last_not_of(blanks);
  return text.substr(first, last == text.npos ? 0 : last + 1 - first);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t shown_bytes_max = 100;
  auto cut = text.size() > shown_bytes_max;
  return '\'' + one_line(text.substr(0, shown_bytes_max)) + (cut ? "…'" : "'");
}

given_values read_command_line(int argc, const char* const* argv) {
  auto description = describe_command_line();
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  po::parsed_options parsed(nullptr);
  try {
    using namespace po::command_line_style;
    parsed = po::command_line_parser(words)
                 .options(description)
                 .style(allow_long | long_allow_adjacent | long_allow_next)
                 .run();
  } catch (const po::error& e) { // the only way in which the library tells
    return one_line(e.what()) + " (beckon serve --help lists the options)";
  }
  std::vector<given_value> values;
  for (const auto& option : parsed.options) {
    if (option.position_key >= 0 || option.string_key.empty())
      return "unexpected argument " + in_quotes(option.value.empty() ? "--" : option.value.front());
    const auto* row = find_option(option.string_key);
    std::string text = row->arity == option_arity::flag ? "true" : "";
    if (!option.value.empty())
      text = option.value.front();
    values.push_back({row, std::move(text), "--" + option.string_key});
  }
  return checked(std::move(values));
}

given_values read_environment(const char* const* envp) {
  std::vector<given_value> values;
  for (; envp && *envp; ++envp) {
    std::string_view entry = *envp;
    if (!entry.starts_with("BECKON_"))
      continue;
    auto equals = std::min(entry.find('='), entry.size());
    auto variable = one_line(entry.substr(0, equals));
    auto text = entry.substr(std::min(equals + 1, entry.size()));
    const auto* row = row_of_variable(variable);
    if (!row)
      return variable + ": unknown variable (beckon serve --help lists the options)";
    if (row->arity == option_arity::many)
      for (auto element : elements_of(text))
        values.push_back({row, std::string(element), variable});
    else
      values.push_back({row, std::string(text), variable});
  }
  return checked(std::move(values));
}

given_values read_configuration_file(const std::string& path, std::string_view where) {
  auto file = read_small_file(path, config_bytes_max);
  if (!file)
    return std::string(where) + ": " + in_quotes(path) +
           " cannot be read: " + file.error().message();
  file_reader reader;
  std::size_t number = 0;
  for (auto line : lines_of(file->bytes)) {
    auto place = one_line(path) + ':' + std::to_string(++number) + ": ";
    line = trimmed(line);
    if (line.empty() || line.front() == '#' || line.front() == ';')
      continue;
    if (auto wrong = reader.take(line, place))
      return place + *wrong;
  }
  return checked(std::move(reader.values));
}

} // namespace beckon::net
