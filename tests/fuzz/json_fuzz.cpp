// Fuzzes the JSON splitter, the escapes and base64 with any text. Boost.JSON's DOM and a count of
// keys by its SAX parser say what is right.

#include "protocol/base64.hpp"
#include "protocol/json.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace beckon::protocol;
using beckon::test::check;
using beckon::test::lies_in;

namespace {

/// Collects the keys of the outermost object, in their order, equal ones too.
struct key_collector {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using ec = boost::system::error_code;
  using view = boost::json::string_view;

  int depth = 0;
  std::string part;
  std::vector<std::string> keys;

  bool enter() { return ++depth, true; }
  bool leave() { return --depth, true; }
  bool on_document_begin(ec&) { return true; }
  bool on_document_end(ec&) { return true; }
  bool on_object_begin(ec&) { return enter(); }
  bool on_object_end(std::size_t, ec&) { return leave(); }
  bool on_array_begin(ec&) { return enter(); }
  bool on_array_end(std::size_t, ec&) { return leave(); }
  bool on_key_part(view text, std::size_t, ec&) { return part.append(text), true; }
  bool on_key(view text, std::size_t, ec&) {
    part.append(text);
    if (depth == 1)
      keys.push_back(part);
    part.clear();
    return true;
  }
  bool on_string_part(view, std::size_t, ec&) { return true; }
  bool on_string(view, std::size_t, ec&) { return true; }
  bool on_number_part(view, ec&) { return true; }
  bool on_int64(std::int64_t, view, ec&) { return true; }
  bool on_uint64(std::uint64_t, view, ec&) { return true; }
  bool on_double(double, view, ec&) { return true; }
  bool on_bool(bool, ec&) { return true; }
  bool on_null(ec&) { return true; }
  bool on_comment_part(view, ec&) { return true; }
  bool on_comment(view, ec&) { return true; }
};

boost::json::parse_options options_of(std::size_t depth) {
  boost::json::parse_options options;
  options.max_depth = depth;
  return options;
}

std::optional<boost::json::value> parse(std::string_view text, std::size_t depth) {
  boost::system::error_code ec;
  auto value = boost::json::parse(text, ec, {}, options_of(depth));
  if (ec)
    return {};
  return value;
}

/// The keys up to where the text stops being JSON, or all.
std::vector<std::string> keys_of(std::string_view text) {
  boost::json::basic_parser<key_collector> parser(options_of(json_depth_max + 1));
  boost::system::error_code ec;
  parser.write_some(false, text.data(), text.size(), ec);
  return parser.handler().keys;
}

/// Boost.JSON rounds a double by what stands behind it in the text, and makes a NaN of 0e1999: a
/// slice need not be equal to its place in the whole.
bool same(double left, double right) {
  auto both_nan = left != left && right != right;
  return both_nan || left == right || std::abs(left - right) <= 1e-12 * std::abs(left);
}

bool same(const boost::json::value& left, const boost::json::value& right) {
  if (left.is_double() && right.is_double())
    return same(left.get_double(), right.get_double());
  if (left.is_array() && right.is_array())
    return std::equal(left.get_array().begin(), left.get_array().end(), right.get_array().begin(),
                      right.get_array().end(),
                      [](const auto& l, const auto& r) { return same(l, r); });
  if (left.is_object() && right.is_object())
    return left.get_object().size() == right.get_object().size() &&
           std::all_of(left.get_object().begin(), left.get_object().end(), [&](const auto& entry) {
             auto* other = right.get_object().if_contains(entry.key());
             return other && same(entry.value(), *other);
           });
  return left == right;
}

void check_value(std::string_view raw, const boost::json::value& expected) {
  auto alone = parse(raw, json_depth_max);
  check(alone && same(*alone, expected));
  switch (kind_of(raw)) {
  case json_kind::null:
    return check(expected.is_null());
  case json_kind::boolean:
    return check(expected.is_bool() && expected.as_bool() == (raw == "true"));
  case json_kind::number: {
    auto number = integer(raw, INT64_MIN, INT64_MAX);
    return check(number ? expected.as_int64() == *number : !expected.is_int64());
  }
  case json_kind::string: {
    std::string text, again;
    unescape(raw, text);
    check(text == expected.as_string());
    append_quoted(again, text);
    return check(parse(again, 1) == expected);
  }
  case json_kind::array: {
    json_splitter splitter;
    std::size_t count = 0;
    check(splitter.each_element(raw, [&](std::string_view element) {
      auto own = parse(element, json_depth_max);
      check(lies_in(element, raw) && own && same(*own, expected.as_array().at(count++)));
      return true;
    }));
    return check(count == expected.as_array().size());
  }
  case json_kind::object:
    return check(expected.is_object());
  }
}

void check_split(json_splitter& splitter, std::string_view text) {
  json_splitter::object object;
  auto refused = splitter.split(text, object);
  auto value = parse(text, json_depth_max + 1);
  auto keys = keys_of(text);
  auto first = text.find_first_not_of(" \t\r\n");
  bool is_object = first != text.npos && text[first] == '{';
  if (!is_object)
    return check(refused == (parse(text, json_depth_max) ? code::bad_request : code::bad_json));
  if (refused == code::bad_request)
    return check(keys.size() >= frame_fields_max);
  check(refused == (value ? std::nullopt : std::optional(code::bad_json)));
  if (refused)
    return;

  check(object.size == keys.size());
  for (std::size_t i = 0; i < object.size; ++i) {
    const auto& [key, raw] = object.fields[i];
    check(key == keys[i] && lies_in(raw, text) && !raw.empty());
    bool is_last = std::find(keys.begin() + static_cast<std::ptrdiff_t>(i) + 1, keys.end(),
                             keys[i]) == keys.end();
    if (is_last) // The DOM keeps the last of equal keys.
      check_value(raw, value->as_object().at(key));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static json_splitter splitter; // kept, to see that no state survives a call
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  check_split(splitter, text);
  check(splitter.valid(text) == parse(text, json_depth_max).has_value());

  std::string decoded, again;
  if (decode_base64(text, decoded)) {
    append_base64(again, decoded);
    check(again == text);
  } else {
    check(decoded.empty());
  }
  append_base64(again = "", text);
  check(decode_base64(again, decoded = "") && decoded == text);
  return 0;
}
