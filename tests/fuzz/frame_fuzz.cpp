// Fuzzes the parser of frames, text, binary and batches, and encodes what it lets pass as a
// delivery. Whatever a client sends, what others get must be JSON that says what the server wrote
// into it.

#include "protocol/base64.hpp"
#include "protocol/encode.hpp"
#include "protocol/frame.hpp"
#include "tests/fuzz/check.hpp"

#include <boost/json/parse.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

using namespace beckon::protocol;
using beckon::test::check;
using beckon::test::lies_in;

namespace {

const limits bounds;
constexpr std::int64_t now = 1760000000000;

boost::json::object parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = json_depth_max + 1;
  return boost::json::parse(text, {}, options)
      .as_object(); // Throws, hence crashes, on anything else.
}

std::string_view body_of(const shared_frame& frame) {
  char header[header_bytes_max];
  auto bytes = frame.payload();
  auto length =
      write_header(header, frame.wire()[0] == '\x81' ? opcode::text : opcode::binary, bytes.size());
  check(frame.wire().substr(0, length) == std::string_view(header, length));
  check(frame.wire().size() == length + bytes.size());
  return bytes;
}

void check_binary(const shared_frame& frame, const payload& data, std::string_view from) {
  auto bytes = body_of(frame);
  auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
  auto length = byte(0) << 8 | byte(1);
  auto header = parse(bytes.substr(2, length));
  check(header.at("from").as_string() == from && !header.contains("data") &&
        !header.contains("base64"));
  check(bytes.substr(2 + length) == data.bytes);
}

void check_text(const shared_frame& frame, const payload& data, std::string_view from) {
  auto object = parse(body_of(frame));
  check(object.at("from").as_string() == from);
  if (!data.opaque) {
    boost::json::parse_options options;
    options.max_depth = json_depth_max;
    check(object.at("data") == boost::json::parse(data.bytes, {}, options));
    return;
  }
  std::string bytes;
  auto& text = object.at("base64").as_string();
  check(!object.contains("data") && decode_base64(std::string_view(text), bytes) &&
        bytes == data.bytes);
}

void check_deliveries(const client_frame& frame, std::string_view from) {
  std::string from_json;
  append_quoted(from_json, from);
  std::string group_json;
  append_quoted(group_json, frame.group.value_or("default"));

  delivery_head head{frame.type, group_json, from_json, now, frame.id, frame.timeout};
  auto sent = encode(head, frame.data);
  auto object = parse(body_of(sent.text));
  check(object.size() == (frame.id ? 7 : 6) && object.at("at").as_int64() == now);
  check(object.at("group").as_string() == frame.group.value_or("default"));
  for (const auto& d : {sent, encode_answer(frame.id, from_json, frame.data)}) {
    check_text(d.text, frame.data, from);
    check(static_cast<bool>(d.binary) == frame.data.opaque);
    if (frame.data.opaque)
      check_binary(d.binary, frame.data, from);
  }
}

void check_names(std::span<const std::string_view> names) {
  check(names.size() <= bounds.recipients_max);
  check(std::set<std::string_view>(names.begin(), names.end()).size() == names.size());
  for (auto name : names)
    check(is_uid(name, bounds));
}

void check_fields(const client_frame& frame, std::string_view message) {
  check(frame.id <= id_max && frame.request <= id_max);
  check(!frame.group || is_group_name(*frame.group, bounds));
  for (const auto& uid : {frame.user, frame.as})
    check(!uid || is_uid(*uid, bounds));
  check_names(frame.to);
  check_names(frame.except);
  check(!frame.meta ||
        (lies_in(*frame.meta, message) && frame.meta->size() <= bounds.meta_bytes_max));
  check(!frame.token || frame.token->size() <= bounds.token_bytes_max);
  check(!frame.error_code || is_error_code(*frame.error_code));
  check(frame.ttl.count() >= 1 && frame.ttl.count() <= 60);
  check(frame.timeout.count() >= 50 && frame.timeout.count() <= 60'000);
  check(frame.received.size() <= bounds.recipients_max);
  check(frame.data.opaque || frame.data.bytes.empty() || lies_in(frame.data.bytes, message));
  if (frame.type == frame_type::send)
    check(!frame.to.empty() + frame.user.has_value() + frame.session.has_value() == 1);
}

void check_rejection(const rejection& fault) {
  check(fault.id <= id_max);
  check(!fault.unparsable || fault.why == code::bad_json || fault.why == code::bad_request ||
        fault.why == code::unknown_type);
  std::string out;
  auto sentence = describe(fault);
  append_error(out, {.id = fault.id, .why = fault.why, .message = sentence});
  check(parse(out).at("message").as_string() == sentence);
}

using parsed = boost::system::result<const client_frame*, rejection>;

void check_frame(const parsed& result, std::string_view header, std::string_view message) {
  if (!result)
    return check_rejection(result.error());
  const auto& frame = **result;
  check(parse(header).at("type").as_string() == name(frame.type));
  check_fields(frame, message);
  if (frame.type == frame_type::reply && frame.error_code) {
    std::string out;
    append_foreign_error(out, frame.request, *frame.error_code, frame.error_message);
    check(parse(out).at("message").as_string() == frame.error_message);
  } else if (frame.type == frame_type::send || frame.type == frame_type::publish ||
             frame.type == frame_type::request || frame.type == frame_type::reply) {
    check_deliveries(frame, frame.to.empty() ? "alice" : frame.to[0]);
  }
}

void check_batch(frame_parser& parser, std::string_view message) {
  std::vector<std::string_view> lines;
  if (split_batch(message, bounds, lines))
    return;
  check(!lines.empty() && lines.size() <= bounds.batch_frames_max);
  for (auto line : lines) {
    check(lies_in(line, message) && line.find('\n') == line.npos);
    check_frame(parser.parse(line), line, line);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static frame_parser parser(bounds); // kept, to see that no state survives a call
  std::string_view message(reinterpret_cast<const char*>(bytes), size);
  if (message.empty())
    return 0;
  // The first byte chooses the kind of message: text starts with a brace or a blank, binary with
  // its length.
  if (message[0] > 0x08) {
    check_batch(parser, message);
  } else {
    auto length = size < 2 ? 0 : std::size_t{bytes[0]} << 8 | bytes[1];
    check_frame(parser.parse_binary(message), size < 2 ? message : message.substr(2, length),
                message);
  }
  return 0;
}
