#include "protocol/reader.hpp"

#include "protocol/base64.hpp"

#include <memory_resource>
#include <span>
#include <unordered_set>

namespace beckon::protocol {
namespace {

using enum field;

// What can be wrong, as `rejection.problem`.
constexpr std::string_view is_no_object = "the frame is not one JSON object of at most 32 fields";
constexpr std::string_view is_missing = "is missing";
constexpr std::string_view is_repeated = "stands more than once";
constexpr std::string_view is_one_too_many = "cannot stand beside another one of this frame";
constexpr std::string_view is_not_for_binary = "cannot be this one in a binary frame";
constexpr std::string_view is_too_large = "is longer than the limit";
constexpr std::string_view has_too_many = "has more entries than the limit";
constexpr std::string_view is_unknown = "names no type of frame";
constexpr std::string_view comes_later = "is not implemented yet";

/// The largest number that a client may choose, as `integer` takes it.
constexpr auto number_max = static_cast<std::int64_t>(id_max);

/// The inside of a checked JSON string.
std::string_view inside(std::string_view quoted) {
  return quoted.substr(1, quoted.size() - 2);
}

/// Leaves the first of equal names.
void collapse(std::vector<std::string_view>& names) {
  if (names.size() < 2)
    return;
  std::array<std::byte, 16 * 1024> memory; // Enough for 256 names; more come from the heap.
  std::pmr::monotonic_buffer_resource pool(memory.data(), memory.size());
  std::pmr::unordered_set<std::string_view> seen(2 * names.size(), &pool);
  std::erase_if(names, [&](std::string_view name) { return !seen.insert(name).second; });
}

} // namespace

bool frame_parser::reader::read(std::string_view header, std::optional<std::string_view> body) {
  return split(header) && read_id() && read_type() && none_repeated() && read_fields() &&
         none_missing() && payload_is_clear(body) && address_is_clear() && exists_yet();
}

bool frame_parser::reader::split(std::string_view header) {
  if (auto why = parser.splitter_.split(header, parser.object_)) {
    fault.why = *why;
    fault.unparsable = true;
    if (*why == code::bad_request)
      fault.problem = is_no_object;
    return false;
  }
  for (std::size_t i = 0; i < parser.object_.size; ++i) {
    auto index = field_names.find(parser.object_.fields[i].key);
    if (index == field_count)
      continue; // An unknown field is ignored.
    auto f = static_cast<field>(index);
    repeated |= present & fields_of(f);
    present |= fields_of(f);
    place[index] = static_cast<std::uint8_t>(i);
  }
  return true;
}

bool frame_parser::reader::read_id() {
  if (!has(present, id))
    return true;
  auto value = integer(raw(id), 1, number_max);
  if (!value || has(repeated, id)) {
    fault.unparsable = true;
    return value ? refuse(code::bad_request, id, is_repeated) : bad(id);
  }
  fault.id = frame.id = static_cast<std::uint64_t>(*value);
  return true;
}

bool frame_parser::reader::read_type() {
  fault.unparsable = true; // until the type is known
  if (!has(present, type))
    return refuse(code::bad_request, type, is_missing);
  if (kind_of(raw(type)) != json_kind::string)
    return bad(type);
  if (has(repeated, type))
    return refuse(code::bad_request, type, is_repeated);
  auto index = type_names.find(text(raw(type)));
  if (index == frame_type_count)
    return refuse(code::unknown_type, type, is_unknown);
  fault.unparsable = false;
  frame.type = static_cast<frame_type>(index);
  if (!has(rule_of(frame.type).listed, id))
    fault.id = frame.id = 0; // This type has no `id`, hence no answer.
  return true;
}

bool frame_parser::reader::none_repeated() {
  return repeated == 0 || refuse(code::bad_request, lowest(repeated), is_repeated);
}

bool frame_parser::reader::read_fields() {
  for (auto left = present & rule_of(frame.type).listed; left != 0; left = without_lowest(left))
    if (!read(lowest(left)))
      return false;
  return true;
}

// NOLINTNEXTLINE(readability-function-size): a table, one entry for each field
bool frame_parser::reader::read(field f) {
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
  case to:
    return read_recipients();
  case except:
    return read_except();
  case session:
    return read_session();
  case data:
    frame.data = {raw(f), false};
    return true;
  case base64:
    return read_base64();
  case meta:
    return read_meta();
  case token:
    return read_token();
  case message:
    return read_numbers();
  case error:
    return read_error();
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
    return read_integer(f, 1, number_max, frame.request);
  case field::name:
    return read_call_name();
  case key:
    return postpone_key();
  case since:
  case resume:
    return postpone_if(kind_of(raw(f)) == json_kind::object, f);
  case last:
    return postpone_if(integer(raw(f), 1, page_max).has_value(), f);
  case reverse: // of a history
    return kind_of(raw(f)) == json_kind::boolean || bad(f);
  case received: // of a ping; nothing to trim until sessions can be resumed
    return integer(raw(f), 0, number_max) || bad(f);
  }
  return true;
}

bool frame_parser::reader::read_name(field f, std::optional<std::string_view>& out,
                                     bool (&is_name)(std::string_view, const limits&)) {
  return read_text(f, out) && (is_name(*out, bounds) || bad(f));
}

bool frame_parser::reader::read_recipients() {
  bool to_one = frame.type == frame_type::request;
  if (kind_of(raw(to)) == json_kind::string) {
    std::optional<std::string_view> one;
    if (!read_name(to, one, is_uid))
      return false;
    parser.names_.push_back(*one);
  } else if (!read_names(to, to_one ? 1 : bounds.recipients_max,
                         to_one ? code::bad_request : code::too_many)) {
    return false;
  }
  frame.to = parser.names_;
  return !frame.to.empty() || bad(to);
}

bool frame_parser::reader::read_except() {
  if (!read_names(except, bounds.recipients_max, code::too_many))
    return false;
  frame.except = parser.names_;
  return true;
}

/// Reads a list of uids into names_, each once; `count_max` counts equal ones, too.
bool frame_parser::reader::read_names(field f, std::size_t count_max, code over) {
  if (kind_of(raw(f)) != json_kind::array)
    return bad(f);
  auto& names = parser.names_;
  bool whole = parser.splitter_.each_element(raw(f), [&](std::string_view element) {
    if (names.size() == count_max)
      return refuse(over, f, has_too_many);
    if (kind_of(element) != json_kind::string)
      return bad(f);
    names.push_back(text(element));
    return is_uid(names.back(), bounds) || bad(f);
  });
  if (whole)
    collapse(names);
  return whole;
}

bool frame_parser::reader::read_session() {
  return read_text(session, frame.session) && (!frame.session->empty() || bad(session));
}

bool frame_parser::reader::read_base64() {
  if (kind_of(raw(base64)) != json_kind::string)
    return bad(base64);
  auto encoded = text(raw(base64));
  auto start = parser.scratch_.size();
  if (!decode_base64(encoded, parser.scratch_))
    return bad(base64);
  frame.data = {std::string_view(parser.scratch_).substr(start), true};
  return true;
}

bool frame_parser::reader::read_meta() {
  if (raw(meta).size() > bounds.meta_bytes_max)
    return refuse(code::too_large, meta, is_too_large);
  frame.meta = raw(meta);
  return true;
}

bool frame_parser::reader::read_token() {
  if (!read_text(token, frame.token))
    return false;
  return frame.token->size() <= bounds.token_bytes_max ||
         refuse(code::too_large, token, is_too_large);
}

/// The numbers that a `received` confirms: one, or a list.
bool frame_parser::reader::read_numbers() {
  auto& numbers = parser.numbers_;
  auto take = [&](std::string_view element) {
    if (numbers.size() == bounds.recipients_max)
      return refuse(code::too_many, message, has_too_many);
    auto number = integer(element, 1, number_max);
    if (!number)
      return bad(message);
    numbers.push_back(static_cast<std::uint64_t>(*number));
    return true;
  };
  bool whole = kind_of(raw(message)) == json_kind::array
                   ? parser.splitter_.each_element(raw(message), take)
                   : take(raw(message));
  frame.received = numbers;
  return whole && (!numbers.empty() || bad(message));
}

/// The object `{code, message}` of a reply that says no.
bool frame_parser::reader::read_error() {
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

bool frame_parser::reader::read_text(field f, std::optional<std::string_view>& out) {
  if (kind_of(raw(f)) != json_kind::string)
    return bad(f);
  out = text(raw(f));
  return true;
}

template <class Flag>
bool frame_parser::reader::read_flag(field f, Flag& out) {
  if (kind_of(raw(f)) != json_kind::boolean)
    return bad(f);
  out = raw(f) == "true";
  return true;
}

/// The words stand in the order of Enum; Out may be an optional one.
template <class Enum, class Words, class Out>
bool frame_parser::reader::read_word(field f, const Words& words, Out& out) {
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
bool frame_parser::reader::read_integer(field f, std::int64_t min, std::int64_t max, Number& out) {
  auto value = integer(raw(f), min, max);
  if (!value)
    return bad(f);
  out = static_cast<Number>(*value);
  return true;
}

bool frame_parser::reader::read_call_name() {
  std::optional<std::string_view> value;
  if (!read_text(field::name, value))
    return false;
  frame.name = *value;
  return (!value->empty() && value->size() <= call_name_bytes_max) || bad(field::name);
}

bool frame_parser::reader::postpone_key() {
  std::optional<std::string_view> value;
  return read_text(key, value) &&
         postpone_if(!value->empty() && value->size() <= bounds.key_bytes_max, key);
}

/// What is right but of a feature to come refuses the frame only when the rest of it is right, too.
bool frame_parser::reader::postpone_if(bool right, field f) {
  later |= fields_of(f);
  return right || bad(f);
}

bool frame_parser::reader::none_missing() {
  auto missing = rule_of(frame.type).required & ~present;
  return missing == 0 || refuse(code::bad_request, lowest(missing), is_missing);
}

/// Exactly one of `data`, `base64`, the body of a binary message and, in a reply, `error`.
bool frame_parser::reader::payload_is_clear(std::optional<std::string_view> body) {
  const auto& rule = rule_of(frame.type);
  if (!rule.carries_payload)
    return !body || refuse(code::bad_request, type, is_not_for_binary);
  auto ways = present & rule.listed & fields_of(data, base64, error);
  if (body)
    frame.data = {*body, true};
  else if (ways == 0)
    return refuse(code::bad_request, data, is_missing);
  auto others = body ? ways : without_lowest(ways);
  return others == 0 || refuse(code::bad_request, lowest(others), is_one_too_many);
}

/// send, request: exactly one of `to`, `user`, `session`; `group` goes with `to` only.
bool frame_parser::reader::address_is_clear() {
  if (!has(rule_of(frame.type).listed, to))
    return true;
  auto ways = present & fields_of(to, user, session);
  if (ways == 0)
    return refuse(code::bad_request, to, is_missing);
  if (auto others = without_lowest(ways); others != 0)
    return refuse(code::bad_request, lowest(others), is_one_too_many);
  return !has(present, group) || has(ways, to) || refuse(code::bad_request, group, is_one_too_many);
}

bool frame_parser::reader::exists_yet() {
  if (later != 0)
    return refuse(code::not_implemented, lowest(later), comes_later);
  if (frame.type != frame_type::history && frame.type != frame_type::refresh)
    return true;
  fault.why = code::not_implemented;
  return false;
}

/// The text of a checked string; without escapes it stays where it is.
std::string_view frame_parser::reader::text(std::string_view quoted) {
  auto plain = inside(quoted);
  if (plain.find('\\') == std::string_view::npos)
    return plain;
  auto start = parser.scratch_.size();
  unescape(quoted, parser.scratch_);
  return std::string_view(parser.scratch_).substr(start);
}

bool frame_parser::reader::refuse(code why, field f, std::string_view problem) {
  fault.why = why;
  fault.field = field_names[static_cast<std::size_t>(f)];
  fault.problem = problem;
  return false;
}

} // namespace beckon::protocol
