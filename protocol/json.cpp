#include "protocol/json.hpp"

// The one place where Boost.JSON's grammar is compiled.
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace beckon::protocol {
namespace {

namespace json = boost::json;

/// Takes the grammar's events and builds nothing.
struct null_handler {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  using ec = boost::system::error_code;
  using view = json::string_view;

  bool on_document_begin(ec&) { return true; }
  bool on_document_end(ec&) { return true; }
  bool on_object_begin(ec&) { return true; }
  bool on_object_end(std::size_t, ec&) { return true; }
  bool on_array_begin(ec&) { return true; }
  bool on_array_end(std::size_t, ec&) { return true; }
  bool on_key_part(view, std::size_t, ec&) { return true; }
  bool on_key(view, std::size_t, ec&) { return true; }
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

json::parse_options strict_options() {
  json::parse_options options; // no comments, no trailing commas, no invalid UTF-8
  options.max_depth = json_depth_max;
  return options;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
}

/// Takes the byte `c`, which must come next but for blanks.
bool take(std::string_view& text, char c) {
  skip_blanks(text);
  if (text.empty() || text.front() != c)
    return false;
  text.remove_prefix(1);
  return true;
}

/// Whether a string comes next but for blanks, which are taken.
bool starts_key(std::string_view& text) {
  skip_blanks(text);
  return !text.empty() && text.front() == '"';
}

std::string_view without_trailing_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// The inside of a checked JSON string.
std::string_view inside(std::string_view quoted) {
  return quoted.substr(1, quoted.size() - 2);
}

bool is_plain(unsigned char c) {
  return c != '"' && c != '\\' && c >= 0x20 && c < 0x80;
}

/// Length of the plain ASCII text, without escape, that stands before a closing quote; npos when it
/// is not that plain.
std::size_t plain_length(std::string_view text) {
  std::size_t i = 0;
#ifdef __SSE2__
  for (; i + sizeof(__m128i) <= text.size(); i += sizeof(__m128i)) {
    auto block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    // As signed bytes, what is no ASCII is less than a blank, too.
    auto others = _mm_or_si128(_mm_cmplt_epi8(block, _mm_set1_epi8(' ')),
                               _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                            _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'))));
    if (auto bits = static_cast<unsigned>(_mm_movemask_epi8(others))) {
      i += static_cast<std::size_t>(std::countr_zero(bits));
      return text[i] == '"' ? i : std::string_view::npos;
    }
  }
#endif
  while (i < text.size() && is_plain(static_cast<unsigned char>(text[i])))
    ++i;
  return i < text.size() && text[i] == '"' ? i : std::string_view::npos;
}

} // namespace

struct json_splitter::grammar {
  boost::json::basic_parser<null_handler> parser{strict_options()};

  std::size_t value_length(std::string_view text) {
    if (text.starts_with('"')) // most values are short, plain strings
      if (auto inner = plain_length(text.substr(1)); inner != std::string_view::npos)
        return inner + 2;
    parser.reset();
    boost::system::error_code ec;
    // Nothing follows this buffer, so that the grammar never keeps half a value; it stops behind
    // the first one and the blanks that follow it.
    auto length = parser.write_some(false, text.data(), text.size(), ec);
    return ec ? 0 : without_trailing_blanks(text.substr(0, length)).size();
  }

  /// Takes the value that comes next but for blanks. @returns nothing when there is none.
  std::string_view take_value(std::string_view& text) {
    skip_blanks(text);
    auto value = text.substr(0, value_length(text));
    text.remove_prefix(value.size());
    return value;
  }

  /// Takes the key at the front of `text`, which starts with a quote. @returns whether it is a
  /// string.
  bool take_key(std::string_view& text, std::string& unescaped, std::string_view& key) {
    if (auto length = plain_length(text.substr(1)); length != std::string_view::npos) {
      key = text.substr(1, length);
      text.remove_prefix(length + 2);
      return true;
    }
    auto quoted = take_value(text);
    if (quoted.empty())
      return false;
    key = inside(quoted);
    if (key.find('\\') != std::string_view::npos) {
      auto start = unescaped.size();
      unescape(quoted, unescaped);
      key = std::string_view(unescaped).substr(start);
    }
    return true;
  }

  /// Takes the field whose key starts at the front of `text`.
  bool take_field(std::string_view& text, std::string& unescaped, json_field& field) {
    if (!take_key(text, unescaped, field.key) || !take(text, ':'))
      return false;
    field.raw = take_value(text);
    return !field.raw.empty();
  }
};

json_splitter::json_splitter() : grammar_(std::make_unique<grammar>()) {}
json_splitter::~json_splitter() = default;

std::size_t json_splitter::value_length(std::string_view text) {
  return grammar_->value_length(text);
}

bool json_splitter::valid(std::string_view text) {
  auto value = without_trailing_blanks(text);
  return !value.empty() && grammar_->value_length(value) == value.size();
}

std::optional<code> json_splitter::split(std::string_view text, object& out) {
  out.size = 0;
  auto rest = text;
  if (!take(rest, '{'))
    return valid(text) ? code::bad_request : code::bad_json;
  // Unescaped text is never longer than what it came from: slices into keys_ stay where they are.
  keys_.clear();
  keys_.reserve(text.size());
  bool closed = take(rest, '}');
  for (bool more = !closed; more; more = take(rest, ',')) {
    if (!starts_key(rest))
      return code::bad_json;
    if (out.size == out.fields.size())
      return code::bad_request;
    if (!grammar_->take_field(rest, keys_, out.fields[out.size++]))
      return code::bad_json;
  }
  if (!closed && !take(rest, '}'))
    return code::bad_json;
  skip_blanks(rest);
  if (!rest.empty())
    return code::bad_json;
  return {};
}

json_kind kind_of(std::string_view raw) noexcept {
  switch (raw.front()) {
  case '{':
    return json_kind::object;
  case '[':
    return json_kind::array;
  case '"':
    return json_kind::string;
  case 't':
  case 'f':
    return json_kind::boolean;
  case 'n':
    return json_kind::null;
  default:
    return json_kind::number;
  }
}

namespace {

/// The number that the four hexadecimal digits at the front of `text` say.
std::uint32_t hex4(std::string_view text) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + 4, value, 16);
  return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
  auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  auto continuation = [&](int shift) { byte(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | (point >> 6));
    continuation(0);
  } else if (point < 0x10000) {
    byte(0xE0 | (point >> 12));
    continuation(6);
    continuation(0);
  } else {
    byte(0xF0 | (point >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

/// Appends what the escape at the front of `text` stands for. @returns the escape's length.
std::size_t unescape_one(std::string_view text, std::string& out) {
  switch (text[1]) {
  case 'b':
    out += '\b';
    return 2;
  case 'f':
    out += '\f';
    return 2;
  case 'n':
    out += '\n';
    return 2;
  case 'r':
    out += '\r';
    return 2;
  case 't':
    out += '\t';
    return 2;
  case 'u':
    break;
  default: // a quote, a slash or a backslash
    out += text[1];
    return 2;
  }
  auto point = hex4(text.substr(2));
  if (point < 0xD800 || point > 0xDFFF) {
    append_utf8(out, point);
    return 6;
  }
  // The grammar lets surrogates pass in pairs only.
  append_utf8(out, 0x10000 + ((point - 0xD800) << 10) + (hex4(text.substr(8)) - 0xDC00));
  return 12;
}

} // namespace

void unescape(std::string_view raw, std::string& out) {
  auto rest = inside(raw);
  for (;;) {
    auto run = rest.find('\\');
    out.append(rest.substr(0, run));
    if (run == std::string_view::npos)
      return;
    rest.remove_prefix(run);
    rest.remove_prefix(unescape_one(rest, out));
  }
}

namespace {

/// Bytes that cannot stand in a JSON string as they are.
constexpr auto escaped_bytes = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c)
    table[c] = true;
  table['"'] = table['\\'] = true;
  return table;
}();

void append_escape(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
  case '"':
  case '\\':
    out += '\\';
    out += c;
    return;
  case '\b':
    out += "\\b";
    return;
  case '\f':
    out += "\\f";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default:
    out += "\\u00";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[c & 0xF];
  }
}

} // namespace

bool is_json(std::string_view text) {
  static thread_local json_splitter splitter;
  return splitter.valid(text);
}

std::string_view on_one_line(std::string_view raw, std::string& store) {
  if (raw.find('\n') == std::string_view::npos)
    return raw;
  store = raw;
  std::replace(store.begin(), store.end(), '\n', ' ');
  return store;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!escaped_bytes[static_cast<unsigned char>(text[i])])
      continue;
    out.append(text, start, i - start);
    append_escape(out, text[i]);
    start = i + 1;
  }
  out.append(text, start);
  out += '"';
}

std::optional<std::int64_t> integer(std::string_view raw, std::int64_t min,
                                    std::int64_t max) noexcept {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (error != std::errc{} || end != raw.data() + raw.size() || value < min || value > max)
    return {};
  return value;
}

} // namespace beckon::protocol
