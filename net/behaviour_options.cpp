#include "net/behaviour_options.hpp"

#include "net/option_sources.hpp"

#include <algorithm>

namespace beckon::net {

namespace {

using actors::is_behaviour_name;

bool is_key(std::string_view text) {
  auto is_safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_safe);
}

option_refusal read_rule(options& o, std::string_view text) {
  auto at = std::min(text.find('@'), text.size());
  auto name = trimmed(text.substr(0, at));
  auto pattern = trimmed(text.substr(std::min(at + 1, text.size())));
  if (!is_behaviour_name(name) || pattern.empty())
    return "is not NAME @ PATTERN (NAME: up to 64 of a-z, 0-9, _)";
  o.behaviours.push_back({std::string(name), std::string(pattern)});
  return {};
}

option_refusal read_library(options& o, std::string_view text) {
  auto& files = o.behaviour_libraries;
  if (std::find(files.begin(), files.end(), text) != files.end())
    return "is loaded already";
  files.emplace_back(text);
  return {};
}

option_refusal read_setting(options& o, std::string_view text) {
  auto equals = std::min(text.find('='), text.size());
  auto full = trimmed(text.substr(0, equals));
  auto dot = std::min(full.find('.'), full.size());
  auto name = full.substr(0, dot);
  auto key = full.substr(std::min(dot + 1, full.size()));
  auto value = trimmed(text.substr(std::min(equals + 1, text.size())));
  if (!is_behaviour_name(name) || !is_key(key) || value.empty())
    return "is not NAME.KEY=VALUE (NAME: of a behaviour; KEY: letters, digits, - _ .)";
  auto& settings = o.behaviour_settings[std::string(name)];
  if (settings.has(key))
    return "is given twice";
  settings.set(std::string(key), std::string(value));
  return {};
}

option_row rule_row() {
  return {.name = "behaviour",
          .unit = "NAME @ PATTERN",
          .reason = "what groups of such a name do (* is any run of bytes), by the name of a "
                    "behaviour; the first match holds; no match: what the protocol says",
          .arity = option_arity::many,
          .read = read_rule,
          .clear = [](options& o) { o.behaviours.clear(); },
          .print =
              [](const options& o) {
                option_values lines;
                for (const auto& rule : o.behaviours)
                  lines.push_back(rule.behaviour + " @ " + rule.pattern);
                return lines;
              }};
}

option_row library_row() {
  return {.name = "behaviour-library",
          .unit = "FILE",
          .reason = "a shared library with behaviours, built against this version of beckon",
          .arity = option_arity::many,
          .read = read_library,
          .clear = [](options& o) { o.behaviour_libraries.clear(); },
          .print = [](const options& o) { return o.behaviour_libraries; }};
}

option_row setting_row() {
  return {.name = "behaviour-option",
          .unit = "NAME.KEY=VALUE",
          .reason = "what a behaviour is told; in a file also KEY = VALUE below [behaviour.NAME]",
          .arity = option_arity::many,
          .read = read_setting,
          .clear = [](options& o) { o.behaviour_settings.clear(); },
          .print =
              [](const options& o) {
                option_values lines;
                for (const auto& [name, settings] : o.behaviour_settings)
                  for (const auto& [key, value] : settings.all())
                    lines.push_back(std::string(name).append(".").append(key) + '=' + value);
                return lines;
              }};
}

} // namespace

std::vector<option_row> behaviour_options() {
  return under("Behaviours", rule_row(), library_row(), setting_row());
}

std::string_view behaviour_of_section(std::string_view section) {
  constexpr std::string_view prefix = "behaviour.";
  if (!section.starts_with(prefix) || !is_behaviour_name(section.substr(prefix.size())))
    return {};
  return section.substr(prefix.size());
}

} // namespace beckon::net
