#pragma once
// One WebSocket connection as an actor: knows its user and its groups, turns the client's frames
// into requests to groups and users, and takes what they send. Owns: memberships, open tickets,
// debts, and the order of its client's frames. Its connection and its thread's relay call it
// directly, on its own thread; its mailbox only ever gets its end. It ends with its connection:
// whatever it owed is settled, and its death removes it from every group and its user.

#include "actors/conduct.hpp"
#include "actors/debts.hpp"
#include "actors/home.hpp"
#include "actors/messages.hpp"
#include "actors/pinned_actor.hpp"
#include "actors/port.hpp"
#include "actors/tickets.hpp"

#include <caf/all.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::actors {

/// What the upgrade said about the client.
struct greeting {
  std::optional<identity> who;     ///< nothing: a `hello` must follow
  std::vector<std::string> groups; ///< to join at once
};

class session final : public pinned_actor {
public:
  /// One in this many routes is timed from its frame to the recipient's queue.
  static constexpr std::uint32_t handed_sample = 32;
  /// How long a group may take to answer a join, leave, update or roster before the client is told
  /// `internal`.
  static constexpr std::chrono::seconds group_answer_max{5};
  /// What a message on its way takes in memory beside its frame.
  static constexpr std::size_t route_bytes = 512;
  /// Of recipients' names and their outcomes in messages that wait, about; where there may be more
  /// than 1024 confirmations_max, 1 KiB for each. Over it: too_many.
  static constexpr std::size_t waiting_bytes = std::size_t{1024} * 1024;
  /// How long a checkpoint may hold a client back, whatever time its frame gives: nobody is told of
  /// its outcome.
  static constexpr std::chrono::seconds checkpoint_wait_max{5};
  /// A token's session gets `token_expired` at its `exp` and is closed this much later
  /// (protocol.md: within 1 s).
  static constexpr std::chrono::milliseconds expiry_grace{250};

  session(caf::actor_config& config, home& place, port& connection);
  ~session() override;
  caf::behavior make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "session"; }

  // ---- by the connection ----
  void open(greeting g);
  /// A text or binary message of the client's. @pre not paused
  void text(std::string_view message);
  void binary(std::string_view message);
  /// The kernel has taken the outbound stream up to `position`.
  void written(std::uint64_t position);
  bool awaits_written() const noexcept { return debts_.owes_written(); }
  /// Deliveries fit again.
  void has_room();
  /// The connection is gone. The last call; made again when it threw std::bad_alloc.
  void end();
  /// Says goodbye: the node drains.
  void drain(std::chrono::milliseconds retry_after);
  /// It does not read what is queued for it, or does not answer pings.
  void close_slow();
  void close_silent();
  /// Its queue is among the largest, and the node is short of memory.
  void close_shed();
  /// Whether an answer is outstanding that takes its time.
  bool waits() const noexcept { return tickets_.waiting() > 0; }
  /// A frame of the connection's own kind (ping, pong) counts against the rate. Closes when it was
  /// too much.
  void control_frame(std::size_t bytes);
  /// Until then its client is not to be read: it is over its rate. In the past: read on.
  steady_time read_again() const noexcept { return conduct_.read_again(); }
  const std::string& user() const noexcept { return user_; }
  bool is_bot() const noexcept { return is_bot_; }

  // ---- by the relay ----
  void hand_over(const handover& h, settlement s);
  bool publish_to(const fanout& f);
  void take_reply(group_reply& r);
  void settle(const settlement& s);
  void take_answer(const answer& a);
  void lose_group(caf::actor_id group);
  /// Serving it failed (memory): its connection ends.
  void fail(const char* what) noexcept;

private:
  enum class phase : std::uint8_t { greeted, enrolling, ready, closing, ended };

  struct membership {
    caf::actor group;
    std::string as;
    std::string group_json, as_json; ///< quoted, as deliveries carry them
  };
  /// The one question to a group that is ordered against deliveries; the next has to wait.
  struct question {
    std::uint64_t number = 0; ///< tells its answer from one that comes too late
    std::uint64_t id = 0;     ///< of the client's frame; 0: none
    std::string group;
    std::string as; ///< of a join; else empty
    steady_time expires;
  };
  /// What is needed between the upgrade and `welcome` only.
  struct opening {
    std::vector<std::string> groups;
    struct joined {
      std::string name, epoch;
      std::uint64_t version;
    };
    std::vector<joined> done;
    std::vector<std::function<void()>> early; ///< what came before `welcome` and must follow it
    std::size_t early_bytes = 0;              ///< of the deliveries among it
  };
  struct alarm final : deadline {
    explicit alarm(session& s) : of(s) {}
    void due(steady_time now) override { of.wake(now); }
    void failed(const char* why) noexcept override { of.fail(why); }
    session& of;
  };

  using memberships = std::map<std::string, membership, std::less<>>;
  using gaps = std::map<std::string, std::uint64_t>;

  // The client's frames, in the order in which they are met.
  void take_lines(std::vector<std::string_view>& lines);
  bool take_line(std::string_view line);
  void reject(protocol::rejection why, std::size_t bytes);
  void refuse_over_rate(protocol::rejection why, std::chrono::milliseconds wait);
  bool take_frame(const protocol::client_frame& f, std::size_t bytes);
  bool must_wait(const protocol::client_frame& f) const;
  std::size_t silent_bytes_max() const;
  bool may_pass(const protocol::client_frame& f, std::size_t bytes);
  void refuse_for_now(const protocol::client_frame& f, std::chrono::milliseconds wait);
  void act(const protocol::client_frame& f);
  void hello(const protocol::client_frame& f);
  void join(const protocol::client_frame& f);
  void update(const protocol::client_frame& f);
  void leave(const protocol::client_frame& f);
  void read_group(const protocol::client_frame& f);
  void send_direct(const protocol::client_frame& f);
  void publish(const protocol::client_frame& f);
  void call(const protocol::client_frame& f);
  void reply_to_request(const protocol::client_frame& f);
  void confirm_received(const protocol::client_frame& f);
  void continue_held();

  // Who it is.
  void authenticate(identity who);
  void enroll_answered(const group_reply& r);
  void url_group_answered(group_reply& r);
  void welcome();

  // Groups.
  std::string_view group_of(const protocol::client_frame& f) const;
  membership* member_of(const protocol::client_frame& f);
  bool may_join_as(std::string_view uid, const protocol::client_frame& f) const;
  std::uint64_t ask_group(std::uint64_t id, std::string_view name, std::string_view as = {});
  void answered_too_late(const group_reply& r);
  void refuse_in_own_words(std::uint64_t id, const group_reply& r);
  void enter(const group_reply& r, std::string_view as);
  void drop_membership(std::string_view group);
  void forget_membership(memberships::iterator which);
  void removed(const group_reply& r);

  // Tickets.
  bool wants_ticket(std::uint64_t id, std::size_t bytes);
  std::uint32_t open_ticket(ticket t, std::chrono::milliseconds wait);
  void complete(const ticket& t);
  void expire(ticket& t);
  void lose_tickets(caf::actor_id group);

  // Answers.
  bool push(const protocol::delivery& d);
  void tell_gap(gaps::iterator missed);
  void miss_far(const fanout& f);
  void miss(const std::string& group, std::uint64_t frames);
  bool hold_early(std::size_t bytes, std::function<void()> deliver);
  void answer_ok(std::uint64_t id, std::string_view rest = {});
  void refuse(const protocol::client_frame& f, protocol::code why, std::string_view field = {},
              std::optional<std::int64_t> retry_after_ms = {});
  void refuse(const protocol::rejection& r, message_kind kind = message_kind::other,
              std::optional<std::int64_t> retry_after_ms = {});
  void close(protocol::close_code why, std::string_view message = {},
             std::optional<std::int64_t> retry_after_ms = {});
  void close_named(protocol::close_code why, std::string_view code, std::string_view message,
                   std::optional<std::int64_t> retry_after_ms);

  // Time.
  void wake(steady_time now);
  void wake_by(steady_time when);

  home& home_;
  port* port_;
  session_address where_;
  phase phase_ = phase::greeted;
  bool binary_ = false;
  bool dying_ = false;      ///< its exit is in its mailbox
  bool introduced_ = false; ///< its one hello has come
  std::string user_, user_json_;
  std::string name_; ///< the public id
  std::string default_group_;
  std::vector<std::string> as_;
  bool as_anyone_ = false;
  bool is_bot_ = false;
  std::optional<steady_time> expires_;
  steady_time auth_by_{};

  memberships groups_;
  std::optional<question> asking_;
  std::uint64_t questions_ = 0; ///< asked so far
  std::unique_ptr<opening> opening_;
  std::string held_; ///< lines that wait until something is answered
  bool held_binary_ = false;

  conduct conduct_;
  tickets tickets_;
  std::size_t silent_bytes_ = 0; ///< sent without an id since the last checkpoint
  std::uint32_t checkpoint_ = 0; ///< the ticket of a frame without an id; 0: none yet
  debts debts_;
  gaps gaps_; ///< frames dropped, by group (JSON string)
  std::uint32_t routes_ = 0;
  alarm alarm_;
};

} // namespace beckon::actors
