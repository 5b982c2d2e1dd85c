#include "net/plug_in.hpp"

#include "net/option_sources.hpp"

#include <dlfcn.h>
#include <exception>

namespace beckon::net {
namespace {

/// What BECKON_BEHAVIOURS exports.
using register_behaviours = const char*(const char* abi, actors::behaviours* into);
constexpr const char* symbol = "beckon_register_behaviours";

std::string last_error() {
  const auto* text = ::dlerror(); // NOLINT(concurrency-mt-unsafe): at start there is one thread
  return text ? text : "unknown error";
}

/// The library names itself at the start of its errors; ours is the name that the operator wrote.
std::string without_name(std::string text, const std::string& path) {
  return text.starts_with(path + ": ") ? text.substr(path.size() + 2) : text;
}

} // namespace

std::optional<std::string> load_plug_in(const std::string& file, actors::behaviours& into) {
  auto path = file.find('/') == file.npos ? "./" + file : file;
  // All symbols now: one that is missing ends the start and not, hours later, the process.
  auto* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return in_quotes(file) + " cannot be loaded: " + one_line(without_name(last_error(), path));
  auto* fill = reinterpret_cast<register_behaviours*>(::dlsym(library, symbol));
  if (!fill)
    return in_quotes(file) + " has no " + symbol + " (BECKON_BEHAVIOURS makes it)";
  into.adding_from(path);
  try {
    std::string_view abi = fill(BECKON_BEHAVIOUR_ABI, &into);
    if (abi != BECKON_BEHAVIOUR_ABI)
      return in_quotes(file) + " was built against " + in_quotes(abi) + ", and this is '" +
             BECKON_BEHAVIOUR_ABI "': build it again";
  } catch (const std::exception& trouble) {
    return in_quotes(file) + " failed at its registration: " + one_line(trouble.what());
  } catch (...) { // the process ends with the line; nothing goes on
    return in_quotes(file) + " failed at its registration";
  }
  into.adding_from({});
  return {};
}

} // namespace beckon::net
