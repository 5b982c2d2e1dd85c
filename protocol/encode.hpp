#pragma once
// What the server says to one client: welcome, ok, error, left, gap, pong, bye. Owns: the names of
// their fields. Every function appends one JSON object to `out`; strings named *_json are raw JSON
// already.

#include "protocol/codes.hpp"
#include "protocol/delivery.hpp"
#include "protocol/frame.hpp"
#include "protocol/limits.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace beckon::protocol {

struct joined_group {
  std::string_view name, as, epoch;
  std::uint64_t version = 0;
};

struct welcome {
  std::string_view session, user, node;
  std::int64_t ping_s = 0;
  std::span<const joined_group> groups;
  std::optional<std::int64_t> expires_in; ///< seconds
};
/// The limits under the names of protocol.md section 8, as a JSON object.
std::string limits_json(const limits& bounds);
/// `{"type":"welcome",…,"server":"beckon/<version>",…,"limits":{…}}`.
void append_welcome(std::string& out, const welcome& w, std::string_view limits_json);

/// `{"type":"ok","id":7}`; id 0 is left out.
void append_ok(std::string& out, std::uint64_t id);
/// `{"type":"ok","id":7,"version":3,…}`: an ok with more; `rest` is `"version":3,…` without braces,
/// or empty.
void append_ok(std::string& out, std::uint64_t id, std::string_view rest);

struct recipient_outcome {
  std::string_view recipient;
  outcome what;
};
/// `"outcomes":{"bob":"offline",…}` for an ok or error that names them.
void append_outcomes(std::string& out, std::span<const recipient_outcome> outcomes);

struct error {
  std::uint64_t id = 0; ///< 0 is left out
  code why = code::internal;
  std::string_view message = {}; ///< empty: text(why)
  std::optional<std::int64_t> retry_after_ms = {};
  std::span<const recipient_outcome> outcomes = {};
};
void append_error(std::string& out, const error& e);
/// An error whose code is another client's own (a `reply` that says no).
void append_foreign_error(std::string& out, std::uint64_t id, std::string_view why,
                          std::string_view message);
/// The sentence for a refused frame: names the field, never its value. E.g. "field 'data' is
/// missing".
std::string describe(const rejection& r);

/// The `ok` of a request, in the text or binary form (`binary` and an opaque answer).
delivery encode_answer(std::uint64_t id, std::string_view from_json, const payload& data);

void append_left(std::string& out, std::string_view group_json, left_reason why);
void append_gap(std::string& out, std::string_view group_json, std::uint64_t lost);
void append_pong(std::string& out);

struct bye {
  std::string_view code; ///< a name of section 9
  std::string_view message;
  bool reconnect = false;
  std::optional<std::int64_t> retry_after_ms = {};
};
void append_bye(std::string& out, const bye& b);

} // namespace beckon::protocol
