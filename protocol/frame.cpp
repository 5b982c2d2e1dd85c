#include "protocol/frame.hpp"

#include "protocol/name_table.hpp"

#include <algorithm>
#include <bit>
#include <memory_resource>
#include <unordered_set>

namespace beckon::protocol {
namespace {

/// Every top-level field that some type has. `field_names` has them in the same order.
enum class field : std::uint8_t {
  type,
  id,
  token,
  resume,
  client,
  batch,
  binary,
  group,
  as,
  meta,
  presence,
  interest,
  since,
  last,
  to,
  user,
  session,
  data,
  base64,
  ttl,
  key,
  confirm,
  except,
  echo,
  timeout_ms,
  request,
  error,
  message,
  limit,
  after,
  reverse,
  received,
};
constexpr std::size_t field_count = 32;

constexpr name_table<field_count> field_names({
    "type",       "id",      "token",    "resume",   "client", "batch",   "binary",  "group",
    "as",         "meta",    "presence", "interest", "since",  "last",    "to",      "user",
    "session",    "data",    "base64",   "ttl",      "key",    "confirm", "except",  "echo",
    "timeout_ms", "request", "error",    "message",  "limit",  "after",   "reverse", "received",
});
static_assert(field_names.find("received") == std::size_t(field::received));

/// In the order of frame_type.
constexpr name_table<frame_type_count> type_names({
    "hello",
    "join",
    "update",
    "leave",
    "send",
    "publish",
    "request",
    "reply",
    "received",
    "roster",
    "history",
    "refresh",
    "ping",
});
static_assert(type_names.find("ping") == std::size_t(frame_type::ping));

/// A set of fields, one bit each.
using fields = std::uint32_t;
constexpr fields bit(field f) {
  return fields{1} << static_cast<unsigned>(f);
}
constexpr fields set(std::same_as<field> auto... f) {
  return (bit(f) | ... | fields{0});
}
constexpr bool has(fields all, field f) {
  return (all & bit(f)) != 0;
}

/// What a type has besides `type`.
struct type_rule {
  fields listed = 0;
  fields required = 0; ///< `group` never is: the session may have a default group
  bool carries_payload = false;
};

using enum field;
constexpr fields addresses = set(group, to, user, session);
constexpr fields payloads = set(data, base64);

/// The table of protocol.md section 3, in the order of frame_type.
constexpr type_rule rules[] = {
    /* hello    */ {set(id, token, resume, client, batch, binary)},
    /* join     */ {set(id, group, as, meta, presence, interest, since, last, token)},
    /* update   */ {set(id, group, meta, presence, interest)},
    /* leave    */ {set(id, group)},
    /* send     */ {set(id, ttl, key, confirm) | addresses | payloads, 0, true},
    /* publish  */ {set(id, group, except, echo, key) | payloads, 0, true},
    /* request  */ {set(id, timeout_ms) | addresses | payloads, set(id), true},
    /* reply    */ {set(request, error) | payloads, set(request), true},
    /* received */ {set(message), set(message)},
    /* roster   */ {set(id, group, limit, after), set(id)},
    /* history  */ {set(id, group, since, limit, reverse), set(id)},
    /* refresh  */ {set(id, token), set(id, token)},
    /* ping     */ {set(received)},
};
static_assert(std::size(rules) == frame_type_count);

constexpr const type_rule& rule_of(frame_type type) {
  return rules[static_cast<std::size_t>(type)];
}

constexpr name_table<3> presence_words({"none", "count", "full"});
constexpr name_table<2> interest_words({"full", "direct"});
constexpr name_table<3> confirm_words({"queued", "written", "received"});

constexpr std::int64_t ttl_s_max = 60;
constexpr std::int64_t timeout_ms_min = 50;
constexpr std::int64_t timeout_ms_max = 60'000;
constexpr std::int64_t page_max = std::int64_t{1} << 31;
constexpr std::size_t error_code_bytes_max = 64;

// What can be wrong with a field, as `rejection.problem`.
constexpr std::string_view is_missing = "is missing";
constexpr std::string_view is_repeated = "stands more than once";
constexpr std::string_view is_one_too_many = "cannot stand beside another one of this frame";
constexpr std::string_view is_not_for_binary = "cannot stand in this type of binary frame";
constexpr std::string_view is_bad = "has a wrong type or is out of range";
constexpr std::string_view is_too_large = "is longer than the limit";
constexpr std::string_view has_too_many = "has more entries than the limit";
constexpr std::string_view is_unknown = "names no type of frame";
constexpr std::string_view comes_later = "is not implemented yet";

/// The inside of a checked JSON string.
std::string_view inside(std::string_view quoted) {
  return quoted.substr(1, quoted.size() - 2);
}

bool is_error_code(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= error_code_bytes_max && std::ranges::all_of(text, allowed);
}

/// Leaves the first of equal names.
void collapse(std::vector<std::string_view>& names) {
  std::array<std::byte, 16 * 1024> memory;
  std::pmr::monotonic_buffer_resource pool(memory.data(), memory.size());
  std::pmr::unordered_set<std::string_view> seen(2 * names.size(), &pool);
  std::erase_if(names, [&](std::string_view name) { return !seen.insert(name).second; });
}

} // namespace

/// One reading of one frame: fields are looked up, read one by one, then looked at together. Each
/// step returns false once it has refused the frame.
struct frame_parser::reader {
  explicit reader(frame_parser& p) : parser(p), bounds(p.bounds_), frame(p.frame_) {}

  frame_parser& parser;
  const limits& bounds;
  client_frame& frame;

  rejection fault;
  fields present = 0;
  std::array<std::uint8_t, field_count> place; ///< in object_, of a present field
  fields repeated = 0;
  fields later = 0; ///< fields of features to come

  bool refuse(code why, field f, std::string_view problem) {
    fault.why = why;
    fault.field = field_names[static_cast<std::size_t>(f)];
    fault.problem = problem;
    return false;
  }
  bool bad(field f) { return refuse(code::bad_request, f, is_bad); }
  bool unparsable(code why, field f, std::string_view problem) {
    fault.unparsable = true;
    return refuse(why, f, problem);
  }

  std::string_view raw(field f) const {
    return parser.object_.fields[place[static_cast<std::size_t>(f)]].raw;
  }

  // --- the frame as an object: its type, its id, no field twice ---

  bool split(std::string_view header) {
    if (auto why = parser.splitter_.split(header, parser.object_)) {
      fault.why = *why;
      fault.unparsable = true;
      return false;
    }
    for (std::size_t i = 0; i < parser.object_.size; ++i) {
      auto index = field_names.find(parser.object_.fields[i].key);
      if (index == field_count)
        continue; // An unknown field is ignored.
      auto f = static_cast<field>(index);
      repeated |= present & bit(f);
      present |= bit(f);
      place[index] = static_cast<std::uint8_t>(i);
    }
    return true;
  }

  bool read_id() {
    if (!has(present, id))
      return true;
    auto value = integer(raw(id), 1, static_cast<std::int64_t>(id_max));
    if (!value || has(repeated, id))
      return unparsable(code::bad_request, id, value ? is_repeated : is_bad);
    fault.id = frame.id = static_cast<std::uint64_t>(*value);
    return true;
  }

  bool read_type() {
    if (!has(present, type))
      return unparsable(code::bad_request, type, is_missing);
    if (kind_of(raw(type)) != json_kind::string)
      return unparsable(code::bad_request, type, is_bad);
    if (has(repeated, type))
      return unparsable(code::bad_request, type, is_repeated);
    auto index = type_names.find(text(raw(type)));
    if (index == frame_type_count)
      return unparsable(code::unknown_type, type, is_unknown);
    frame.type = static_cast<frame_type>(index);
    if (!has(rule_of(frame.type).listed, id))
      fault.id = frame.id = 0; // This type has no `id`, hence no answer.
    return true;
  }

  bool none_repeated() {
    if (repeated == 0)
      return true;
    return refuse(code::bad_request, lowest(repeated), is_repeated);
  }

  static field lowest(fields all) { return static_cast<field>(std::countr_zero(all)); }

  // --- one field ---

  bool read_fields() {
    for (auto left = present & rule_of(frame.type).listed; left != 0; left &= left - 1)
      if (!read(lowest(left)))
        return false;
    return true;
  }

  bool read(field f) {
    switch (f) {
    case type:
    case id:
      return true; // read before
    case group:
      return read_name(f, frame.group, is_group_name);
    case user:
      return read_name(f, frame.user, is_uid);
    case as:
      return read_name(f, frame.as, is_uid);
    case session:
      return read_text(f, frame.session) && (!frame.session->empty() || bad(f));
    case to:
      return read_recipients();
    case except:
      return read_names(f) && (frame.except = parser.names_, true);
    case data:
      return frame.data = {raw(f), false}, true;
    case base64:
      return read_base64();
    case meta:
      return read_meta();
    case token:
      return read_token();
    case client:
      return read_text(f, frame.client);
    case after:
      return read_text(f, frame.after);
    case batch:
      return read_flag(f, frame.batch);
    case binary:
      return read_flag(f, frame.binary);
    case echo:
      return read_flag(f, frame.echo);
    case presence:
      return read_word<presence_mode>(f, presence_words, frame.presence);
    case interest:
      return read_word<interest_level>(f, interest_words, frame.interest);
    case confirm:
      return read_word<confirm_level>(f, confirm_words, frame.confirm);
    case ttl:
      return read_integer(f, 1, ttl_s_max, frame.ttl);
    case timeout_ms:
      return read_integer(f, timeout_ms_min, timeout_ms_max, frame.timeout);
    case limit:
      return read_integer(f, 1, page_max, frame.limit);
    case request:
      return read_integer(f, 1, static_cast<std::int64_t>(id_max), frame.request);
    case message:
      return read_numbers();
    case error:
      return read_error();
    case key:
      return read_key();
    case since:
    case resume:
      return kind_of(raw(f)) == json_kind::object ? postpone(f) : bad(f);
    case last:
      return integer(raw(f), 1, page_max) ? postpone(f) : bad(f);
    case reverse:
      return kind_of(raw(f)) == json_kind::boolean || bad(f);
    case received: // Of a ping: frames received, for sessions that can be resumed. Nothing to trim
                   // until then.
      return integer(raw(f), 0, static_cast<std::int64_t>(id_max)) || bad(f);
    }
    return true;
  }

  /// The text of a checked string; without escapes it stays where it is.
  std::string_view text(std::string_view quoted) {
    auto plain = inside(quoted);
    if (plain.find('\\') == std::string_view::npos)
      return plain;
    auto start = parser.scratch_.size();
    unescape(quoted, parser.scratch_);
    return std::string_view(parser.scratch_).substr(start);
  }

  bool read_text(field f, std::optional<std::string_view>& out) {
    if (kind_of(raw(f)) != json_kind::string)
      return bad(f);
    out = text(raw(f));
    return true;
  }

  bool read_name(field f, std::optional<std::string_view>& out,
                 bool (&is_name)(std::string_view, const limits&)) {
    return read_text(f, out) && (is_name(*out, bounds) || bad(f));
  }

  bool read_flag(field f, auto& out) {
    if (kind_of(raw(f)) != json_kind::boolean)
      return bad(f);
    out = raw(f) == "true";
    return true;
  }

  /// The words stand in the order of Enum.
  template <class Enum>
  bool read_word(field f, const auto& words, auto& out) {
    std::optional<std::string_view> word;
    if (!read_text(f, word))
      return false;
    auto index = words.find(*word);
    if (index == words.size())
      return bad(f);
    out = static_cast<Enum>(index);
    return true;
  }

  template <class Number>
  bool read_integer(field f, std::int64_t min, std::int64_t max, Number& out) {
    auto value = integer(raw(f), min, max);
    if (!value)
      return bad(f);
    out = static_cast<Number>(*value);
    return true;
  }

  bool read_meta() {
    if (raw(meta).size() > bounds.meta_bytes_max)
      return refuse(code::too_large, meta, is_too_large);
    frame.meta = raw(meta);
    return true;
  }

  bool read_token() {
    if (!read_text(token, frame.token))
      return false;
    if (frame.token->size() > bounds.token_bytes_max)
      return refuse(code::too_large, token, is_too_large);
    return true;
  }

  bool read_key() {
    std::optional<std::string_view> value;
    if (!read_text(key, value))
      return false;
    return !value->empty() && value->size() <= bounds.key_bytes_max ? postpone(key) : bad(key);
  }

  /// Right as it is, but of a feature that does not exist yet.
  bool postpone(field f) {
    later |= bit(f);
    return true;
  }

  bool read_base64() {
    if (kind_of(raw(base64)) != json_kind::string)
      return bad(base64);
    auto encoded = text(raw(base64));
    auto start = parser.scratch_.size();
    if (!decode_base64(encoded, parser.scratch_))
      return bad(base64);
    frame.data = {std::string_view(parser.scratch_).substr(start), true};
    return true;
  }

  /// Reads a list of uids into names_, each once.
  bool read_names(field f) {
    if (kind_of(raw(f)) != json_kind::array)
      return bad(f);
    auto& names = parser.names_;
    bool whole = parser.splitter_.each_element(raw(f), [&](std::string_view element) {
      if (names.size() == bounds.recipients_max)
        return refuse(code::too_many, f, has_too_many);
      if (kind_of(element) != json_kind::string)
        return bad(f);
      names.push_back(text(element));
      return is_uid(names.back(), bounds) || bad(f);
    });
    if (whole && names.size() > 1)
      collapse(names);
    return whole;
  }

  bool read_recipients() {
    if (kind_of(raw(to)) == json_kind::string) {
      std::optional<std::string_view> one;
      if (!read_name(to, one, is_uid))
        return false;
      parser.names_.push_back(*one);
    } else if (!read_names(to)) {
      return false;
    }
    frame.to = parser.names_;
    return !frame.to.empty() || bad(to);
  }

  bool read_numbers() {
    auto take = [&](std::string_view element) {
      if (parser.numbers_.size() == bounds.recipients_max)
        return refuse(code::too_many, message, has_too_many);
      auto number = integer(element, 1, static_cast<std::int64_t>(id_max));
      if (!number)
        return bad(message);
      parser.numbers_.push_back(static_cast<std::uint64_t>(*number));
      return true;
    };
    bool whole = kind_of(raw(message)) == json_kind::array
                     ? parser.splitter_.each_element(raw(message), take)
                     : take(raw(message));
    frame.received = parser.numbers_;
    return whole && (!frame.received.empty() || bad(message));
  }

  /// The object `{code, message}` of a reply that says no.
  bool read_error() {
    json_splitter::object object;
    if (kind_of(raw(error)) != json_kind::object || parser.splitter_.split(raw(error), object))
      return bad(error);
    std::optional<std::string_view> sentence;
    for (const auto& [name, value] : std::span(object.fields).first(object.size)) {
      auto* out = name == "code" ? &frame.error_code : name == "message" ? &sentence : nullptr;
      if (!out)
        continue;
      if (out->has_value() || kind_of(value) != json_kind::string)
        return bad(error);
      *out = text(value);
    }
    frame.error_message = sentence.value_or("");
    return (frame.error_code && is_error_code(*frame.error_code)) || bad(error);
  }

  // --- the fields together ---

  bool none_missing() {
    auto missing = rule_of(frame.type).required & ~present;
    return missing == 0 || refuse(code::bad_request, lowest(missing), is_missing);
  }

  /// send, request: one of `to`, `user`, `session`; `group` goes with `to` only.
  bool address_is_clear() {
    auto ways = present & set(to, user, session);
    if (ways == 0)
      return refuse(code::bad_request, to, is_missing);
    if (!std::has_single_bit(ways))
      return refuse(code::bad_request, lowest(ways & (ways - 1)), is_one_too_many);
    if (has(present, group) && ways != set(to))
      return refuse(code::bad_request, group, is_one_too_many);
    return true;
  }

  /// Exactly one of the body of a binary message, `data`, `base64` and, in a reply, `error`.
  bool payload_is_clear(std::optional<std::string_view> body) {
    const auto& rule = rule_of(frame.type);
    if (!rule.carries_payload)
      return !body || refuse(code::bad_request, type, is_not_for_binary);
    auto ways = present & rule.listed & set(data, base64, error);
    if (body) {
      frame.data = {*body, true};
      return ways == 0 || refuse(code::bad_request, lowest(ways), is_one_too_many);
    }
    if (ways == 0)
      return refuse(code::bad_request, data, is_missing);
    if (!std::has_single_bit(ways))
      return refuse(code::bad_request, lowest(ways & (ways - 1)), is_one_too_many);
    return true;
  }

  bool fits_together(std::optional<std::string_view> body) {
    if (!none_missing() || !payload_is_clear(body))
      return false;
    if (frame.type == frame_type::request && has(present, to) && !asks_one())
      return false;
    return !has(rule_of(frame.type).listed, to) || address_is_clear();
  }

  /// A request names one callee. Equal entries are more than one, too.
  bool asks_one() {
    auto count = 0;
    if (kind_of(raw(to)) == json_kind::array)
      parser.splitter_.each_element(raw(to), [&](std::string_view) { return ++count < 2; });
    return count < 2 || bad(to);
  }

  bool exists_yet() {
    if (frame.type == frame_type::history || frame.type == frame_type::refresh)
      return refuse(code::not_implemented, type, comes_later);
    return later == 0 || refuse(code::not_implemented, lowest(later), comes_later);
  }
};

boost::system::result<const client_frame*, rejection>
frame_parser::read(std::string_view header, std::optional<std::string_view> body) {
  frame_ = {};
  names_.clear();
  numbers_.clear();
  scratch_.clear();
  // Slices point into scratch_, so it must not move. Unescaped text is no longer than what it came
  // from, and base64 alone is written twice: without escapes, then decoded.
  scratch_.reserve(2 * header.size());
  reader r(*this);
  if (r.split(header) && r.read_id() && r.read_type() && r.none_repeated() && r.read_fields() &&
      r.fits_together(body) && r.exists_yet())
    return &frame_;
  return r.fault;
}

boost::system::result<const client_frame*, rejection> frame_parser::parse(std::string_view line) {
  return read(line, {});
}

boost::system::result<const client_frame*, rejection>
frame_parser::parse_binary(std::string_view message) {
  constexpr std::size_t length_bytes = 2;
  rejection no_header{.why = code::bad_request, .unparsable = true};
  if (message.size() < length_bytes)
    return no_header;
  auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(message[i])}; };
  auto length = byte(0) << 8 | byte(1);
  message.remove_prefix(length_bytes);
  if (message.size() < length)
    return no_header;
  auto result = read(message.substr(0, length), message.substr(length));
  if (result.has_error() && result.error().why == code::bad_json)
    return no_header;
  return result;
}

std::string_view name(frame_type type) noexcept {
  return type_names[static_cast<std::size_t>(type)];
}

namespace {

/// Length of the UTF-8 character (RFC 3629) that `text` starts with, of two bytes or more; 0 when
/// there is none, or a control character of C1 (U+0080 to U+009F).
std::size_t wide_character(std::string_view text) noexcept {
  struct lead {
    unsigned char first, last;     // of the first byte
    unsigned char lowest, highest; // of the second byte; all that follow are 80 to BF
    std::size_t length;
  };
  constexpr lead leads[] = {
      {0xC2, 0xC2, 0xA0, 0xBF, 2}, // 80 to 9F would be C1
      {0xC3, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
      {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
      {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
  };
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (const auto& l : leads) {
    if (byte(0) < l.first || byte(0) > l.last)
      continue;
    if (text.size() < l.length || byte(1) < l.lowest || byte(1) > l.highest)
      return 0;
    for (std::size_t i = 2; i < l.length; ++i)
      if (byte(i) < 0x80 || byte(i) > 0xBF)
        return 0;
    return l.length;
  }
  return 0;
}

/// Names also come from URLs and tokens, so their UTF-8 is checked here, not only by the JSON
/// grammar.
bool is_name(std::string_view name, std::size_t bytes_max) noexcept {
  if (name.empty() || name.size() > bytes_max || name.front() == '$')
    return false;
  while (!name.empty()) {
    auto c = static_cast<unsigned char>(name.front());
    if (c < 0x20 || c == 0x7F)
      return false;
    auto length = c < 0x80 ? 1 : wide_character(name);
    if (length == 0)
      return false;
    name.remove_prefix(length);
  }
  return true;
}

} // namespace

bool is_group_name(std::string_view name, const limits& bounds) noexcept {
  return is_name(name, bounds.group_bytes_max);
}

bool is_uid(std::string_view uid, const limits& bounds) noexcept {
  return is_name(uid, bounds.uid_bytes_max);
}

std::optional<code> split_batch(std::string_view message, const limits& bounds,
                                std::vector<std::string_view>& lines) {
  lines.clear();
  while (!message.empty()) {
    auto end = message.find('\n');
    auto line = message.substr(0, end);
    message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos)
      continue;
    if (lines.size() == bounds.batch_frames_max)
      return code::too_many;
    lines.push_back(line);
  }
  return lines.empty() ? std::optional(code::bad_request) : std::nullopt;
}

} // namespace beckon::protocol
