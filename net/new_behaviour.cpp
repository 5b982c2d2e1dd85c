#include "net/new_behaviour.hpp"

#include "actors/behaviours.hpp"
#include "net/option_sources.hpp"
#include "net/options.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace beckon::net {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view placeholder = "my_behaviour";

/// A C++ class and CMake targets will have the name, too.
bool is_project_name(std::string_view name) {
  constexpr std::array<std::string_view, 6> taken{"behaviour", "test",  "all",
                                                  "class",     "group", "beckon"};
  return actors::is_behaviour_name(name) && name.front() >= 'a' && name.front() <= 'z' &&
         std::find(taken.begin(), taken.end(), name) == taken.end();
}

std::string filled_in(std::string_view text, std::string_view name) {
  std::string out;
  for (auto at = text.find(placeholder); at != text.npos; at = text.find(placeholder)) {
    out.append(text.substr(0, at)).append(name);
    text.remove_prefix(at + placeholder.size());
  }
  return out.append(text);
}

std::optional<std::string> write_project(const std::string& name) {
  std::error_code ec;
  if (!fs::create_directory(name, ec))
    return in_quotes(name) + (ec ? " cannot be made: " + ec.message() : " exists already");
  for (const auto& file : new_behaviour_files()) {
    auto path = fs::path(name) / filled_in(file.name, name);
    std::ofstream out(path, std::ios::binary);
    out << filled_in(file.text, name);
    if (!out.flush())
      return in_quotes(path.string()) + " cannot be written";
  }
  return {};
}

} // namespace

int new_behaviour_command(int argc, const char* const* argv) {
  std::string name = argc == 2 ? argv[1] : "";
  std::optional<std::string> wrong;
  if (argc != 2)
    wrong = "one name is wanted: beckon new-behaviour NAME";
  else if (!is_project_name(name))
    wrong = in_quotes(name) + " is no name for it (a letter, then up to 63 of a-z, 0-9, _)";
  else
    wrong = write_project(name);
  if (wrong) {
    std::fprintf(stderr, "beckon: new-behaviour: %s\n", wrong->c_str());
    return exit_config;
  }
  std::printf("%s: cmake -B build && cmake --build build && ctest --test-dir build\n",
              name.c_str());
  return 0;
}

} // namespace beckon::net
