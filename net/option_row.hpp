#pragma once
// One option, whatever source it comes from. Owns: the shape of a row of the table, and how the
// rows of numbers are made. Immutable once the table is made.

#include "net/options.hpp"
#include "net/quantity.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace beckon::net {

enum class option_arity {
  one,
  many,   ///< may be repeated; the values of the strongest source that gives any replace all others
  flag,   ///< true or false; on the command line also without a value
  source, ///< --config: names the file, so it cannot stand in one
  command, ///< asks for something to be printed; on the command line only
};

/// Why a value was not taken: what follows the quoted value in a sentence, e.g. "is not a size".
/// Nothing: it was taken.
using option_refusal = std::optional<std::string>;
using option_values = std::vector<std::string>;

struct option_row {
  std::string_view group = {};
  std::string_view name = {}; ///< without `--`
  std::string_view unit = {}; ///< how a value looks, e.g. DURATION
  std::string_view reason = {};
  option_arity arity = option_arity::one;

  /// Takes one value over, or says why not.
  std::function<option_refusal(options&, std::string_view)> read = {};
  /// Forgets the values of a weaker source; set where arity is `many`.
  std::function<void(options&)> clear = {};
  /// The values in effect, each as `read` takes it; none where the option is unset.
  std::function<option_values(const options&)> print = {};
};

/// Where a row's value lives, for both a const and a mutable `options`.
template <class T>
auto at(T options::*member) {
  return [member](auto& o) -> auto& {
    return o.*member;
  };
}
template <class T>
auto at(T protocol::limits::*member) {
  return [member](auto& o) -> auto& {
    return o.bounds.*member;
  };
}

template <class T>
struct range {
  T least;
  T most;
};

/// What all numbers share: `parse` to an optional number, `print` back, a range in between.
template <class Place, class T, class Parse, class Print>
option_row number(option_row row, Place place, range<T> within, Parse parse, Print print,
                  const char* otherwise) {
  row.read = [=](options& o, std::string_view text) -> option_refusal {
    auto value = parse(text);
    if (!value)
      return otherwise;
    if (*value < within.least || *value > within.most)
      return "is not within " + print(within.least) + " and " + print(within.most);
    auto& target = place(o);
    target = static_cast<std::remove_cvref_t<decltype(target)>>(*value);
    return {};
  };
  row.print = [=](const options& o) { return option_values{print(place(o))}; };
  return row;
}

template <class Place>
option_row count(std::string_view name, Place place, range<std::uint64_t> within,
                 std::string_view reason) {
  return number(
      {.name = name, .unit = "NUMBER", .reason = reason}, place, within, parse_count,
      [](std::uint64_t n) { return std::to_string(n); }, "is not a whole number");
}

template <class Place>
option_row size(std::string_view name, Place place, range<std::uint64_t> within,
                std::string_view reason) {
  return number({.name = name, .unit = "SIZE", .reason = reason}, place, within, parse_size,
                print_size, "is not a size (bytes, or with KiB, MiB or GiB)");
}

template <class Place>
option_row duration(std::string_view name, Place place, range<std::chrono::milliseconds> within,
                    std::string_view reason) {
  return number({.name = name, .unit = "DURATION", .reason = reason}, place, within, parse_duration,
                print_duration, "is not a duration (with ms, s, m or h)");
}

/// Puts rows under a heading of --help.
inline void append_group(std::vector<option_row>& table, std::string_view group,
                         std::vector<option_row> rows) {
  for (auto& row : rows) {
    row.group = group;
    table.push_back(std::move(row));
  }
}

} // namespace beckon::net
