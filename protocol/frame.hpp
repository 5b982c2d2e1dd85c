#pragma once
// A frame that a client sent, as plain values. Owns: which fields each type has, their ranges,
// which code refuses them. Parsed on the connection's thread, read by the session, gone with the
// next parse.

#include "protocol/codes.hpp"
#include "protocol/json.hpp"
#include "protocol/limits.hpp"
#include "protocol/names.hpp"

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::protocol {

enum class frame_type : std::uint8_t {
  hello,
  join,
  update,
  leave,
  send,
  publish,
  request,
  reply,
  received,
  roster,
  history,
  refresh,
  ping,
  call,
};
inline constexpr std::size_t frame_type_count = 14;
std::string_view name(frame_type) noexcept;

enum class presence_mode : std::uint8_t { none, count, full };
enum class interest_level : std::uint8_t { full, direct };
enum class confirm_level : std::uint8_t { queued, written, received };

/// What a client sends to others: a JSON value as it came, or opaque bytes (binary frames,
/// `base64`).
struct payload {
  payload() = default;
  // What a JSON value comes as is taken for one. The bytes belong to who gives them.
  payload(std::string_view value, bool is_opaque = false) : bytes(value), opaque(is_opaque) {}
  payload(const std::string& value, bool is_opaque = false) : bytes(value), opaque(is_opaque) {}
  /// @throws std::invalid_argument for a null pointer
  payload(const char* value, bool is_opaque = false)
      : bytes(value ? value : throw std::invalid_argument("no data: a null pointer")),
        opaque(is_opaque) {}
  payload(std::nullptr_t, bool = false) = delete;

  std::string_view bytes;
  bool opaque = false;
};

/// One frame of a client. Slices point into the parsed message or into the parser: valid until its
/// next call. A field that the type does not list is as if it were absent.
struct client_frame {
  frame_type type = frame_type::ping;
  std::uint64_t id = 0; ///< 0: none was given

  std::optional<std::string_view> group; ///< checked name
  std::span<const std::string_view> to;  ///< checked uids, each once; empty: by user or session
  std::optional<std::string_view> user;  ///< checked uid
  std::optional<std::string_view> session;
  payload data;
  std::chrono::seconds ttl{5};             ///< 1..60
  std::chrono::milliseconds timeout{5000}; ///< 50..60000
  confirm_level confirm = confirm_level::queued;
  std::span<const std::string_view> except;
  bool echo = false;

  std::optional<std::string_view> as;
  std::optional<std::string_view> meta; ///< raw JSON value
  std::optional<presence_mode> presence;
  std::optional<interest_level> interest;
  std::optional<std::string_view> token;

  std::optional<bool> batch;  ///< of a hello
  std::optional<bool> binary; ///< of a hello
  std::optional<std::string_view> client;

  std::uint64_t request = 0;                  ///< of a reply: which request it answers
  std::optional<std::string_view> error_code; ///< of a reply that says no: 1..64 of [a-z0-9_]
  std::string_view error_message;             ///< unescaped
  std::span<const std::uint64_t> received;    ///< message numbers
  std::size_t limit = 0; ///< of a roster; 0: not given. Cut to the page's size.
  std::optional<std::string_view> after;
  std::string_view name; ///< of a call: 1 to 64 bytes
};

/// Why a frame could not be read. Texts have static storage and hold nothing of the client's.
struct rejection {
  code why = code::bad_request;
  /// Of the refused frame, where it has a usable one; else 0.
  std::uint64_t id = 0;
  /// Answered even without an id: no JSON object, no type, an invalid id, an unknown type.
  bool unparsable = false;
  /// The field at fault; may be empty.
  std::string_view field = {};
  /// What is wrong with it, e.g. "is missing"; a whole sentence where there is no field.
  std::string_view problem = {};
};

/// Reads frames. One per thread; keeps memory, no state.
class frame_parser {
public:
  explicit frame_parser(const limits& bounds) : bounds_(bounds) {}

  /// One line of a text message.
  /// @returns the frame, owned by the parser until its next call.
  boost::system::result<const client_frame*, rejection> parse(std::string_view line);

  /// A binary message: u16 length, JSON header, payload (protocol.md section 7). Only send,
  /// publish, request and reply may carry one.
  boost::system::result<const client_frame*, rejection> parse_binary(std::string_view message);

private:
  struct reader;
  boost::system::result<const client_frame*, rejection> read(std::string_view header,
                                                             std::optional<std::string_view> body);

  const limits& bounds_;
  json_splitter splitter_;
  json_splitter::object object_;
  client_frame frame_;
  std::string scratch_;                 ///< unescaped strings, decoded base64
  std::vector<std::string_view> names_; ///< what `to` and `except` point at
  std::vector<std::uint64_t> numbers_;
};

/// The lines of a batch. @returns nothing and sets `lines` when it may be executed: blank lines are
/// left out. too_many over batch_frames_max; bad_request without any frame.
std::optional<code> split_batch(std::string_view message, const limits& bounds,
                                std::vector<std::string_view>& lines);

} // namespace beckon::protocol
