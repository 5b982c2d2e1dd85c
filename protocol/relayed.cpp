#include "protocol/relayed.hpp"

#include "protocol/delivery.hpp"
#include "protocol/names.hpp"

#include <array>
#include <utility>

namespace beckon::protocol {
namespace {

bool is_one_line(std::string_view text) noexcept {
  return text.find('\n') == text.npos;
}

/// The one field of that name. @returns false when there are more
bool find_once(const json_splitter::object& frame, std::string_view key, std::string_view& raw) {
  for (std::size_t i = 0; i < frame.size; ++i)
    if (frame.fields[i].key == key && !std::exchange(raw, frame.fields[i].raw).empty())
      return false;
  return true;
}

bool read_kind(std::string_view raw, frame_type& kind) noexcept {
  constexpr std::array<std::pair<std::string_view, frame_type>, 3> kinds{
      {{"\"direct\"", frame_type::send},
       {"\"message\"", frame_type::publish},
       {"\"request\"", frame_type::request}}};
  for (auto& [name, value] : kinds)
    if (raw == name)
      return kind = value, true;
  return false;
}

/// @param more fields that are yet to be added to it
std::optional<relayed> read_form(json_splitter& json, std::string_view text, std::size_t more = 0) {
  json_splitter::object frame;
  if (!is_one_line(text) || json.split(text, frame) || frame.size + more > frame_fields_max)
    return {};
  std::string_view type, group, from;
  if (!find_once(frame, "type", type) || !find_once(frame, "group", group) ||
      !find_once(frame, "from", from))
    return {};
  relayed out;
  if (!read_kind(type, out.kind) || from.empty() || kind_of(from) != json_kind::string)
    return {};
  if (!group.empty() && kind_of(group) != json_kind::string)
    return {};
  unescape(from, out.from);
  if (!group.empty())
    unescape(group, out.group);
  return out;
}

} // namespace

std::optional<relayed> read_relayed(json_splitter& json, std::string_view text,
                                    std::string_view binary) {
  if (binary.empty())
    return read_form(json, text);
  auto header = binary_header(binary);
  if (!header.starts_with('{') || !header.ends_with('}'))
    return {};
  auto out = read_form(json, header, 1); // the payload, in the text that becomes of it
  if (out && !text.empty() && read_form(json, text) != out)
    return {};
  return out;
}

bool is_relayed_answer(const answer_record& r) {
  if (!r.error_code.empty()) {
    std::string message;
    append_quoted(message, r.error_message);
    return is_error_code(r.error_code) && is_json(message); // which checks its UTF-8
  }
  auto is_string = r.from.starts_with('"') && r.from.ends_with('"') && is_json_line(r.from);
  return is_string && (r.opaque || is_json_line(r.data));
}

bool is_json_line(std::string_view text) {
  return is_one_line(text) && is_json(text);
}

} // namespace beckon::protocol
