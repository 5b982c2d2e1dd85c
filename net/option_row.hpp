#pragma once
// One option, whatever source it comes from. Owns: the shape of a row of the table, and how the
// rows of numbers are made. Immutable once the table is made.

#include "net/options.hpp"
#include "net/quantity.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <iterator>
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

/// How one kind of number is written.
template <class T>
struct spelling {
  std::string_view unit;
  std::optional<T> (*parse)(std::string_view);
  std::string (*print)(T);
  const char* otherwise; ///< a refusal
};

template <class T, class Place>
option_row number(option_row row, Place place, range<T> within, spelling<T> how) {
  row.unit = how.unit;
  row.read = [=](options& o, std::string_view text) -> option_refusal {
    auto value = how.parse(text);
    if (!value)
      return how.otherwise;
    if (*value < within.least || *value > within.most)
      return "is not within " + how.print(within.least) + " and " + how.print(within.most);
    auto& target = place(o);
    target = static_cast<std::remove_cvref_t<decltype(target)>>(*value);
    return {};
  };
  row.print = [=](const options& o) { return option_values{how.print(place(o))}; };
  return row;
}

template <class Place>
option_row count(std::string_view name, Place place, range<std::uint64_t> within,
                 std::string_view reason) {
  constexpr spelling<std::uint64_t> how{"NUMBER", parse_count,
                                        [](std::uint64_t n) { return std::to_string(n); },
                                        "is not a whole number"};
  return number({.name = name, .reason = reason}, place, within, how);
}

template <class Place>
option_row size(std::string_view name, Place place, range<std::uint64_t> within,
                std::string_view reason) {
  constexpr spelling<std::uint64_t> how{"SIZE", parse_size, print_size,
                                        "is not a size (bytes, or with KiB, MiB or GiB)"};
  return number({.name = name, .reason = reason}, place, within, how);
}

template <class Place>
option_row duration(std::string_view name, Place place, range<std::chrono::milliseconds> within,
                    std::string_view reason) {
  constexpr spelling<std::chrono::milliseconds> how{"DURATION", parse_duration, print_duration,
                                                    "is not a duration (with ms, s, m or h)"};
  return number({.name = name, .reason = reason}, place, within, how);
}

/// On the command line also without a value.
template <class Place>
option_row flag(std::string_view name, Place place, std::string_view reason) {
  return {.name = name,
          .unit = "true|false",
          .reason = reason,
          .arity = option_arity::flag,
          .read = [=](options& o, std::string_view text) -> option_refusal {
            if (text != "true" && text != "false")
              return "is neither true nor false";
            place(o) = text == "true";
            return {};
          },
          .print = [=](const options& o) { return option_values{place(o) ? "true" : "false"}; }};
}

/// The rows of one heading of --help.
template <class... Rows>
std::vector<option_row> under(std::string_view group, Rows... rows) {
  std::vector<option_row> result;
  (result.push_back(std::move(rows)), ...);
  for (auto& row : result)
    row.group = group;
  return result;
}

/// Moves rows to the end of the table.
inline void append(std::vector<option_row>& table, std::vector<option_row> rows) {
  table.insert(table.end(), std::make_move_iterator(rows.begin()),
               std::make_move_iterator(rows.end()));
}

} // namespace beckon::net
