#pragma once
// What a server's clients say and hear: templates of what is sent, and how what arrives begins.
// Owns: the words of each protocol under test. A peer that speaks other words gets another dialect,
// not another generator.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace load {

enum class heard : std::uint8_t {
  delivery, ///< a direct message or a publication
  ok,       ///< the acknowledgement of a message that carried an id
  welcome,  ///< from now on the client may send
  hello,    ///< the server waits for the client's greeting
  ping,     ///< wants an answer, as text
  gap,      ///< says how many deliveries a slow reader missed
  refusal,  ///< error, bye: a run that hears one has failed
  other,    ///< nothing that a run expects: it has failed as well
};

/// In templates `{uid}`, `{group}`, `{to}`, `{id}` and `{data}` stand for the values. A template
/// that is empty: the server has no such thing.
struct dialect {
  struct beginning {
    std::string_view text;
    heard what;
  };
  std::string_view name;   ///< on the command line
  std::string_view target; ///< of the upgrade request
  std::string_view sub_protocol;
  std::string_view greeting;             ///< what answers `hello`
  std::string_view pong;                 ///< what answers a `ping` that is a text
  std::string_view send;                 ///< to one member, no acknowledgement
  std::string_view send_with_id;         ///< to one member, acknowledged
  std::string_view send_to_all;          ///< to the members of `{to}`, a list of quoted names
  std::string_view publish;              ///< to all others of the group
  std::string_view data_end;             ///< what follows the data in every frame that carries some
  std::string_view id_field;             ///< what stands in front of the id in an `ok`
  std::string_view lost_field;           ///< what stands in front of the number in a `gap`
  bool is_welcome_when_upgraded;         ///< there is no frame that says so
  bool echoes_publications;              ///< the publisher gets its own, too
  std::span<const beginning> beginnings; ///< the frequent ones first
};

/// beckon.v1 (docs/protocol.md); the peers in bench/peers speak as much of it as the job takes.
extern const dialect beckon_v1;

/// Nothing when there is none of that name.
const dialect* find_dialect(std::string_view name);

struct values {
  std::string_view uid, group, to, id, data;
};
std::string fill(std::string_view form, const values& with);

struct message {
  std::string text;
  std::string data; ///< the value of its data field, without the quotes
};
/// `form` filled so that the text has `bytes` bytes: the data is `mark` and as many letters as that
/// takes, or none.
message fill_to(std::string_view form, values with, char mark, std::size_t bytes);

/// By its first bytes alone; the fleet looks closer where that is not enough.
heard classify(const dialect& words, std::string_view text);

/// The id of an `ok`; 0 when there is none.
std::uint64_t id_of(const dialect& words, std::string_view text);

/// How many deliveries a `gap` tells of; 0 when it does not say.
std::uint64_t lost_of(const dialect& words, std::string_view text);

/// Whether a delivery's data field is `data`, at the end of the frame, where all dialects put it.
bool ends_with_data(const dialect& words, std::string_view text, std::string_view data);

/// The mark of a delivery that ends with data of `data_bytes`; NUL when it is too short for that.
char mark_of(const dialect& words, std::string_view text, std::size_t data_bytes);

} // namespace load
