#pragma once
// One simulated client: what it has asked, what it was told, and what it therefore believes. Owns:
// its session, by the recorder, and its beliefs, which the ledger writes as frames are queued for
// it.

#include "tests/kit/recorder.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace beckon::testing {

class ledger;

/// One frame that a client sends, in JSON and in the words of the test.
struct sent_frame {
  protocol::frame_type type = protocol::frame_type::ping;
  std::string json;
  std::uint64_t id = 0;
  std::string group;
  std::string as;      ///< of a join: the name that it has from nothing else
  std::string as_then; ///< that it was thought to have when this was read
  bool as_given = false;
  std::optional<protocol::presence_mode> presence; ///< of a join or update
  std::optional<protocol::interest_level> interest;
  bool whole_roster = false; ///< of a roster: neither limit nor after
  std::size_t message =
      0; ///< its number in the ledger: of a send, publish, request, or of what is answered
  std::uint64_t reply_data = 0;
  bool says_no = false; ///< of a reply
  bool unparsable = false;
  std::size_t read = 0; ///< the step at which its session read it
  actors::steady_time at{};
};

class peer final : public recorder {
public:
  peer(stage& node, std::size_t at_home, actors::greeting hello, ledger& told_to,
       std::size_t number);
  ~peer() override { recorder::end(); }

  const std::size_t number;
  std::string user;         ///< once it is known
  std::string name;         ///< the session's public id
  std::size_t welcomed = 0; ///< the step; 0: not yet
  bool killed = false;      ///< its actor was ended by the test
  std::vector<std::string> url_groups;

  // ---- what it sends ----
  std::deque<std::vector<sent_frame>> outgoing; ///< messages of one or more lines
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, sent_frame> open; ///< read by the session and not answered
  std::deque<sent_frame>
      questions; ///< joins, updates, leaves, rosters: read, in order, not known to be over
  std::size_t unparsable = 0; ///< read and not answered

  // ---- what it may answer, once it has read so far ----
  struct due {
    std::uint64_t end = 0; ///< of the frame, in the outbound stream
    std::uint64_t number = 0;
    std::size_t message = 0;
    bool is_request = false;
  };
  std::deque<due> due_answers;

  // ---- what it believes ----
  enum class belief : std::uint8_t { no, maybe, yes };
  enum class watching : std::uint8_t { none, count, full, unknown };
  struct membership {
    belief in = belief::no;
    bool given_up = false; ///< a join that took too long: it may be done yet, and then undone
    bool excluded() const { return in == belief::no && !given_up; }
    std::string as;
    std::string as_before; ///< that of the membership before
    std::string epoch;
    std::size_t joined = 0; ///< the step at which its join was read
    std::size_t joined_before =
        std::numeric_limits<std::size_t>::max(); ///< that of the membership before
    std::size_t questions = 0;                   ///< read, and not known to be over
    watching watch = watching::none;
    std::optional<protocol::interest_level> interest; ///< nothing: unknown
    std::optional<std::uint64_t> version;             ///< of a full watcher
    bool in_sync = false;                             ///< `view` holds for `version`
    std::map<std::string, std::string> view;          ///< member -> value
    std::optional<std::int64_t> count; ///< of a watcher of the count that missed none
    std::uint64_t missed = 0;          ///< frames refused since the last gap
    std::optional<std::size_t> tenure; ///< its entry in the ledger
  };
  std::map<std::string, membership> groups;

  using recorder::reply;
  void close(protocol::close_code why, std::string_view bye) override;

protected:
  void on_queued(const frame& queued) override;
  void on_refused(std::string_view json) override;

private:
  ledger& ledger_;
};

} // namespace beckon::testing
