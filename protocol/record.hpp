#pragma once
// What the hubs of two nodes say to each other, as bytes. Owns: the format. A record is
//   u32 big-endian length of what follows | u8 version | u8 kind | fields
// and a batch is eight bytes that tell its link from others and records one behind the other.
// Numbers are varints (LEB128), strings a varint length and bytes. Nodes of two versions understand
// each other: a kind that is not known is skipped, fields behind the known ones are ignored, and
// what a newer version must not be read as gets a new kind. Slices point into the batch.

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::protocol {

inline constexpr std::uint8_t record_version = 1;
/// Recipients are numbered in 16 bits on their way through a node.
inline constexpr std::size_t recipients_of_a_record_max = 65'535;

/// Largest message of a client that crosses to another node: `--max-frame` of a node among others.
inline constexpr std::size_t crossing_bytes_max = 1024 * 1024;
/// Longest record: such a message, whose names and head may take this much more (two names of the
/// longest kind with every character escaped, one as it is, and numbers).
inline constexpr std::size_t record_bytes_max = crossing_bytes_max + 8 * 1024;
/// A batch is sent once it is this long, so that none is longer than that and one record.
inline constexpr std::size_t batch_bytes = 64 * 1024;
inline constexpr std::size_t batch_bytes_max = batch_bytes + record_bytes_max;

enum class record_kind : std::uint8_t {
  member = 1,
  user = 2,
  synced = 3,
  route = 4,
  receipt = 5,
  answer = 6,
  publication = 7,
  count = 8,
  gap = 9,
  credit = 10,
  ping = 11,
  pong = 12,
  goodbye = 13,
  removal = 14,
  unban = 15,
};

/// A member's sessions on the node that says so: the whole truth, not a difference. 0: none (any
/// more).
struct member_record {
  static constexpr auto kind = record_kind::member;
  std::string_view group, uid;
  std::uint64_t sessions = 0;
  std::uint64_t stamp = 0;      ///< of its newest session, by the hybrid clock (actors/clock.hpp)
  std::string_view meta;        ///< raw JSON; empty: none
  std::uint64_t meta_stamp = 0; ///< of the write; 0: never written
  bool is_bot = false;          ///< one of them is an actor; earlier versions do not say it
};

/// A user's sessions on the node that says so.
struct user_record {
  static constexpr auto kind = record_kind::user;
  std::string_view user;
  std::uint64_t sessions = 0;
};

/// All that the node had to tell when the link came up has been told.
struct synced_record {
  static constexpr auto kind = record_kind::synced;
};

/// A direct message or request for recipients of the receiving node.
struct route_record {
  static constexpr auto kind = record_kind::route;
  std::uint64_t id = 0; ///< the sending hub's number; 0: it wants no receipt
  std::uint64_t by = 0; ///< actors::addressing
  std::string_view group;
  std::vector<std::string_view> to;
  bool is_request = false;
  std::uint64_t confirm = 0; ///< confirm_level
  std::uint64_t number = 0;
  std::uint64_t ttl_ms = 0;
  /// The frame's payloads. `binary` empty: it has no such form; `text` empty: too long for both, it
  /// is made of the other (protocol::text_of).
  std::string_view text, binary;
};

/// What became of a route: of the recipients in the order of its `to`, those that did not get it.
struct receipt_record {
  static constexpr auto kind = record_kind::receipt;
  struct other {
    std::uint64_t recipient = 0;
    outcome what = outcome::unknown;
  };
  std::uint64_t id = 0;
  bool gone = false; ///< of a request: who had it before them has ended
  std::vector<other> others;
};

/// The reply to a request.
struct answer_record {
  static constexpr auto kind = record_kind::answer;
  std::uint64_t id = 0;
  std::string_view from; ///< JSON string
  std::string_view data;
  bool opaque = false;
  std::string_view error_code, error_message;
};

struct publication_record {
  static constexpr auto kind = record_kind::publication;
  std::uint64_t id = 0; ///< 0: nobody counts
  std::string_view group;
  std::vector<std::string_view> except;
  std::string_view text, binary; ///< as in a route
};

/// How many sessions took a publication.
struct count_record {
  static constexpr auto kind = record_kind::count;
  std::uint64_t id = 0;
  std::uint64_t count = 0;
};

/// Publications to the group that the receiving node was not sent.
struct gap_record {
  static constexpr auto kind = record_kind::gap;
  std::string_view group;
  std::uint64_t lost = 0;
};

/// The receiver of this many bytes has dealt with them.
struct credit_record {
  static constexpr auto kind = record_kind::credit;
  std::uint64_t bytes = 0;
};

/// The other end answers with a `pong` of the same number, its sender's steady clock in ns.
struct ping_record {
  static constexpr auto kind = record_kind::ping;
  std::uint64_t at = 0;
};
struct pong_record {
  static constexpr auto kind = record_kind::pong;
  std::uint64_t at = 0;
};

/// The node ends on purpose: its members are gone.
struct goodbye_record {
  static constexpr auto kind = record_kind::goodbye;
};

/// The member's sessions in the group must go.
struct removal_record {
  static constexpr auto kind = record_kind::removal;
  std::string_view group, uid;
  std::uint64_t banned_until = 0; ///< ms since 1970; 0: it may come again
};

/// The member may join the group before that time.
struct unban_record {
  static constexpr auto kind = record_kind::unban;
  std::string_view group, uid;
};

/// Begins an empty batch. @param epoch a number that both ends of the link have
void start_batch(std::string& batch, std::uint64_t epoch);
/// Takes the beginning off. @returns the epoch; 0, which no link has, when it is no batch
std::uint64_t take_epoch(std::string_view& batch);

void append(std::string& batch, const member_record& r);
void append(std::string& batch, const user_record& r);
void append(std::string& batch, const synced_record& r);
void append(std::string& batch, const route_record& r);
void append(std::string& batch, const receipt_record& r);
void append(std::string& batch, const answer_record& r);
void append(std::string& batch, const publication_record& r);
void append(std::string& batch, const count_record& r);
void append(std::string& batch, const gap_record& r);
void append(std::string& batch, const credit_record& r);
void append(std::string& batch, const ping_record& r);
void append(std::string& batch, const pong_record& r);
void append(std::string& batch, const goodbye_record& r);
void append(std::string& batch, const removal_record& r);
void append(std::string& batch, const unban_record& r);

/// One record of a batch, its fields unread.
struct raw_record {
  std::uint8_t version = 0;
  std::uint8_t kind = 0; ///< record_kind, or one that we do not know
  std::string_view fields;
};

/// Takes the next record off the front of `batch`. @returns false at the batch's end, and when what
/// stands there is no record: then `batch` is not empty.
bool take_record(std::string_view& batch, raw_record& out);

/// Each reads the fields of its kind. @returns false when they are cut off or out of range
bool read(std::string_view fields, member_record& out);
bool read(std::string_view fields, user_record& out);
bool read(std::string_view fields, route_record& out);
bool read(std::string_view fields, receipt_record& out);
bool read(std::string_view fields, answer_record& out);
bool read(std::string_view fields, publication_record& out);
bool read(std::string_view fields, count_record& out);
bool read(std::string_view fields, gap_record& out);
bool read(std::string_view fields, credit_record& out);
bool read(std::string_view fields, ping_record& out);
bool read(std::string_view fields, pong_record& out);
bool read(std::string_view fields, removal_record& out);
bool read(std::string_view fields, unban_record& out);

} // namespace beckon::protocol
