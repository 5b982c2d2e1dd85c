#pragma once
// A delivery that another node wants shown to this one's clients, as bytes. Owns: what such a frame
// must look like, whoever wrote it: one line of JSON that this server could have written itself.
// Pure functions.

#include "protocol/frame.hpp"
#include "protocol/json.hpp"
#include "protocol/record.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace beckon::protocol {

/// What the frame says of itself.
struct relayed {
  frame_type kind = frame_type::send; ///< as in delivery_head
  std::string group;                  ///< empty: none
  std::string from;
  friend bool operator==(const relayed&, const relayed&) = default;
};

/// Reads the two forms of a delivery, of which one may be empty.
/// @returns nothing when one of them is no `direct`, `message` or `request` on one line, or they
/// say different things of themselves
std::optional<relayed> read_relayed(json_splitter& json, std::string_view text,
                                    std::string_view binary);

/// Whether clients can be told it.
bool is_relayed_answer(const answer_record& r);

/// Whether `text` is one JSON value on one line, as it may stand in a frame.
bool is_json_line(std::string_view text);

} // namespace beckon::protocol
