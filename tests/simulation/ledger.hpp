#pragma once
// What was sent in one seed, who got it, who was where; and whether that keeps the promises of
// protocol.md. Owns: every message, every tenure. Fed with each frame as a session reads it and as
// it queues one; says what is broken through the trace. It knows the protocol and the clients'
// frames, nothing of the server's insides.

#include "tests/simulation/peer.hpp"
#include "tests/simulation/trace.hpp"

#include <array>
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::testing {

/// A send, publication or request.
struct message {
  protocol::frame_type type = protocol::frame_type::send;
  std::size_t sender = 0;
  std::string group; ///< empty: to a user or session
  std::string from;
  std::vector<std::string> to; ///< members, or one user or session
  actors::addressing by = actors::addressing::member;
  std::vector<std::string> except;
  bool echo = false;
  protocol::confirm_level confirm = protocol::confirm_level::queued;
  std::chrono::milliseconds wait{5000};

  // Since its session has read it:
  std::size_t read = 0;     ///< the step; 0: not read
  actors::steady_time at{}; ///< the time
  std::size_t joined = 0;   ///< its sender's join
  bool by_member = false;   ///< by one whose membership was certain
  std::size_t answered = 0; ///< the step
  bool ok = false;
  bool in_time = false; ///< it did not just wait long enough
  struct copy {
    std::size_t peer = 0;
    std::string as; ///< of the recipient, in the group
    std::uint64_t end = 0;
    bool confirmed = false; ///< its client said `received`
    bool heard = false;     ///< and its session did not hold that back
  };
  std::vector<copy> got, refused;
  struct reply {
    std::size_t peer = 0;
    std::uint64_t data = 0;
    bool says_no = false;
  };
  std::vector<reply> replies; ///< read by the callees' sessions
};

/// A time during which a session was in a group for certain, and nothing about it was asked to
/// change.
struct tenure {
  std::size_t peer = 0;
  std::string group, as;
  std::optional<protocol::interest_level> interest;
  std::size_t joined = 0; ///< the step at which the join was read
  std::size_t from = 0;
  std::size_t to = std::numeric_limits<std::size_t>::max();
};

class ledger {
public:
  ledger(stage& node, trace& events) : stage_(node), trace_(events) {}

  std::vector<std::unique_ptr<peer>> peers; ///< all that ever were
  std::vector<message> messages{1};         ///< by number, from 1
  std::size_t stalled = 0;                  ///< the last step at which a long time passed at once

  // ---- what happens ----
  /// A session begins, for the user and with the groups that are written in `p`.
  void opened(peer& p);
  void read(peer& p, sent_frame f);
  /// None of the frames that it read last was held back.
  void taken(peer& p, const std::vector<sent_frame>& frames);
  void queued(peer& p, const recorder::frame& f);
  void refused(peer& p, std::string_view json);
  void closed(peer& p, protocol::close_code why);
  void ended(peer& p);
  void group_killed(const std::string& group) { kills_.push_back({trace_.step, group}); }

  // ---- when nothing is on its way any more ----
  /// What is not answered yet waits for a client, not for something that was lost.
  void check_waits();
  /// Every session that is left has answered all that it read, and reads.
  void check_answers();
  /// What was sent to members who stayed has arrived.
  void check_arrivals();
  /// The rosters, which all sessions were asked for just now, the views of watchers and who
  /// believes to be a member: all say the same.
  void check_rosters();
  /// Whether every session has been told in which groups it is. A rate may have kept some from it.
  bool knows_all() const;
  /// How many groups and members there must be.
  std::pair<std::int64_t, std::int64_t> population() const;
  /// The last roster that a session was told of a group, by its session; nothing: `not_member`.
  std::map<std::pair<std::size_t, std::string>, std::optional<std::map<std::string, std::string>>>
      rosters;

private:
  using object = boost::json::object;
  /// Sessions by group and member.
  using truth = std::map<std::string, std::map<std::string, std::size_t>>;
  truth who_is_where() const;
  void check_roster(const peer& p, const std::string& group,
                    const std::map<std::string, std::size_t>& there);
  struct kill {
    std::size_t step;
    std::string group;
  };

  void welcome(peer& p, const object& f);
  void delivery(peer& p, const object& f, std::uint64_t end);
  void check_addressed(const peer& p, const message& m, const std::string& as);
  void check_order(const peer& p, std::size_t number);
  void presence(peer& p, const object& f, bool missed);
  void apply(peer& p, peer::membership& m, const object& f);
  void left(peer& p, const object& f);
  void gap(peer& p, const object& f);
  void answer(peer& p, const object& f, bool ok);
  void answer_question(peer& p, const sent_frame& q, const object& f, bool ok);
  void joined_or_updated(peer& p, const sent_frame& q, const object& f);
  void view(peer& p, peer::membership& m, const object& f);
  void roster(peer& p, const sent_frame& q, const object& f);
  void refused_question(peer& p, const sent_frame& q, std::string_view code);
  void answer_message(peer& p, message& m, const object& f, bool ok);
  void answer_publication(message& m, const object& f);
  void answer_send(message& m, const object& f, bool ok);
  void check_outcome(const message& m, const std::string& recipient, std::string_view what);
  void answer_request(message& m, const object& f, bool ok);
  void check_code(const peer& p, const sent_frame& q, std::string_view code);

  void begin_tenure(peer& p, const std::string& group);
  void end_tenure(peer::membership& m);
  void question_over(peer& p, const sent_frame& q);
  void join_over(const peer& p, const std::string& group);
  static void know_nothing(peer::membership& m);
  static void expect_blindly(peer::membership& m, const sent_frame& f);
  void forget(peer& p, const std::string& group);
  void foresee(peer& p, const std::string& group);
  void read_question(peer& p, const sent_frame& f);
  void read_message(peer& p, const sent_frame& f);
  bool stays(const tenure& t, std::size_t from, std::size_t to) const;
  bool waits_for_somebody(const message& m) const;
  bool may_miss_a_failure(const message& m) const;
  bool early_possible(const message& m) const;
  bool somebody_stays(const message& m, const std::string& recipient) const;
  bool reached(const message& m, const message::copy& c) const;
  bool is_for(const message& m, const message::copy& c, const std::string& recipient) const;
  bool killed_since(const std::string& group, std::size_t step) const;
  bool waited(const message& m) const { return stage_.now() - m.at >= m.wait; }
  void agree(const std::string& group, const peer::membership& m, std::uint64_t version,
             const std::map<std::string, std::string>& view);
  void broken(const peer& p, const std::string& what);
  void must(bool holds, const peer& p, const char* what) {
    if (!holds)
      broken(p, what);
  }

  stage& stage_;
  trace& trace_;
  std::vector<tenure> tenures_;
  std::vector<kill> kills_;
  struct order_key {
    std::size_t from, to;
    std::string group;
    friend auto operator<=>(const order_key&, const order_key&) = default;
  };
  std::map<order_key, std::size_t> last_; ///< the last message of a sender to a receiver
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
  struct join {
    std::size_t peer;
    std::string group;
    std::array<std::string, 2> as; ///< it will be one of these
    std::size_t over = never;      ///< the step at which it was known to be done
    bool may_be(const std::string& name) const { return as[0] == name || as[1] == name; }
  };
  std::vector<join> joins_; ///< all that were read
  std::map<std::string, std::map<std::string, std::string>>
      rosters_at_; ///< by group, epoch and version
};

} // namespace beckon::testing
