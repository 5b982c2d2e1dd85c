#pragma once
// One reading of one frame: its fields are looked up, read one by one, then looked at together.
// Owns: which of its rules a frame broke first. Writes the parser's frame; lives within one parse.

#include "protocol/fields.hpp"
#include "protocol/frame.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace beckon::protocol {

/// Each step returns false once it has refused the frame; `fault` then says why.
struct frame_parser::reader {
  explicit reader(frame_parser& p) : parser(p), bounds(p.bounds_), frame(p.frame_) {}

  /// All steps. `body` is the payload of a binary message.
  bool read(std::string_view header, std::optional<std::string_view> body);

  // The frame as an object: its id, its type, no field twice.
  bool split(std::string_view header);
  bool read_id();
  bool read_type();
  bool none_repeated();

  // One field, by its name, then by what it may say.
  bool read_fields();
  bool read(field f);
  bool read_name(field f, std::optional<std::string_view>& out,
                 bool (&is_name)(std::string_view, const limits&));
  bool read_recipients();
  bool read_except();
  bool read_names(field f, std::size_t count_max, code over);
  bool read_session();
  bool read_base64();
  bool read_meta();
  bool read_token();
  bool read_numbers();
  bool read_error();
  bool read_text(field f, std::optional<std::string_view>& out);
  template <class Flag>
  bool read_flag(field f, Flag& out);
  template <class Enum, class Words, class Out>
  bool read_word(field f, const Words& words, Out& out);
  template <class Number>
  bool read_integer(field f, std::int64_t min, std::int64_t max, Number& out);
  bool read_call_name();
  bool postpone_key();
  bool postpone_if(bool right, field f);

  // The fields together.
  bool none_missing();
  bool payload_is_clear(std::optional<std::string_view> body);
  bool address_is_clear();
  bool exists_yet();

  std::string_view raw(field f) const {
    return parser.object_.fields[place[static_cast<std::size_t>(f)]].raw;
  }
  std::string_view text(std::string_view quoted);
  bool refuse(code why, field f, std::string_view problem);
  bool bad(field f) { return refuse(code::bad_request, f, "has a wrong type or is out of range"); }

  frame_parser& parser;
  const limits& bounds;
  client_frame& frame;

  rejection fault;
  fields present = 0;
  fields repeated = 0;
  fields later = 0;                            ///< right, but of features to come
  std::array<std::uint8_t, field_count> place; ///< of a present field in the parser's object_
};

} // namespace beckon::protocol
