#pragma once
// JSON as slices: an object is split into (key, raw value), every value checked by Boost.JSON's
// grammar, none built. Owns: the grammar's options (depth, UTF-8). Read by frame.cpp; no state
// survives a call but the parser's memory.

#include "protocol/codes.hpp"
#include "protocol/limits.hpp"

#include <array>
#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::protocol {

enum class json_kind : std::uint8_t { null, boolean, number, string, array, object };

/// One field of an object. Both slices point into the text that was split (an escaped key: into the
/// splitter).
struct json_field {
  std::string_view key; ///< unescaped
  std::string_view raw; ///< the value's bytes as they came, surrounding blanks removed
};

/// Splits objects. One per thread; not shared.
class json_splitter {
public:
  json_splitter();
  ~json_splitter();
  json_splitter(const json_splitter&) = delete;
  json_splitter& operator=(const json_splitter&) = delete;

  struct object {
    std::array<json_field, frame_fields_max> fields;
    std::size_t size = 0;
  };

  /// Splits one JSON object that fills `text` but for blanks. Slices in `out` live as long as
  /// `text` and until the next call.
  /// @returns nothing when it is one; bad_json when it is no JSON text (also: nested deeper than
  /// json_depth_max in a value, invalid UTF-8, lone surrogate escapes, numbers that Boost.JSON
  /// refuses, a byte order mark); bad_request when it is JSON but no object, or has more than
  /// frame_fields_max fields. More fields than that are not read on: the check costs the same at
  /// 10,000 keys.
  std::optional<code> split(std::string_view text, object& out);

  /// Checks that `text` is exactly one JSON value (blanks around it allowed).
  bool valid(std::string_view text);

  /// Calls `element(raw)` for each element of the (already checked) array `raw`; stops when it
  /// returns false.
  /// @returns false when it was stopped.
  template <class F>
  bool each_element(std::string_view raw, F element);

private:
  /// Length of the JSON value that `text` starts with, without blanks behind it; 0 when it starts
  /// with none.
  std::size_t value_length(std::string_view text);

  struct grammar;
  std::unique_ptr<grammar> grammar_;
  std::string keys_; ///< unescaped keys
};

/// Kind of a checked raw value, told by its first byte.
json_kind kind_of(std::string_view raw) noexcept;

/// Appends the text of the checked string `raw` (quotes included) without escapes.
void unescape(std::string_view raw, std::string& out);

/// Whether `text` is exactly one JSON value as frames may have it (json_splitter::split). Any
/// thread.
bool is_json(std::string_view text);

/// A checked value as it may stand in a frame, which is one line: line feeds between its parts
/// become blanks (within strings there are none). `store` keeps it where that needs room.
std::string_view on_one_line(std::string_view raw, std::string& store);

/// Appends `text` as a JSON string: quoted, with `"`, `\` and control characters escaped.
/// @pre valid UTF-8
void append_quoted(std::string& out, std::string_view text);

/// The integer that the checked number `raw` says, when it is a whole number without fraction or
/// exponent part within [min, max].
std::optional<std::int64_t> integer(std::string_view raw, std::int64_t min,
                                    std::int64_t max) noexcept;

template <class F>
bool json_splitter::each_element(std::string_view raw, F element) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  raw.remove_prefix(1); // [
  for (;;) {
    while (!raw.empty() && (blank(raw.front()) || raw.front() == ','))
      raw.remove_prefix(1);
    if (raw.empty() || raw.front() == ']')
      return true;
    auto value = raw.substr(0, value_length(raw));
    if (value.empty() || !element(value))
      return value.empty();
    raw.remove_prefix(value.size());
  }
}

} // namespace beckon::protocol
