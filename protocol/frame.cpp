#include "protocol/frame.hpp"

#include "protocol/reader.hpp"

#include <algorithm>

namespace beckon::protocol {

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
  if (!r.read(header, body))
    return r.fault;
  return &frame_;
}

boost::system::result<const client_frame*, rejection> frame_parser::parse(std::string_view line) {
  return read(line, {});
}

boost::system::result<const client_frame*, rejection>
frame_parser::parse_binary(std::string_view message) {
  constexpr std::size_t length_bytes = 2;
  constexpr rejection no_header{.why = code::bad_request,
                                .unparsable = true,
                                .problem = "the binary frame does not start with a JSON header"};
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

std::optional<code> split_batch(std::string_view message, const limits& bounds,
                                std::vector<std::string_view>& lines) {
  lines.clear();
  while (!message.empty()) {
    auto end = message.find('\n');
    auto line = message.substr(0, end);
    message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
    if (std::ranges::all_of(line, [](char c) { return c == ' ' || c == '\t' || c == '\r'; }))
      continue;
    if (lines.size() == bounds.batch_frames_max)
      return code::too_many;
    lines.push_back(line);
  }
  return lines.empty() ? std::optional(code::bad_request) : std::nullopt;
}

} // namespace beckon::protocol
