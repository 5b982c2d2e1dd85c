#pragma once
// What a behaviour may do in its group. Owns: nothing; the group behind it does the same for its
// own members' frames. Called in the group's actor only: from hooks, timers and handlers of the
// behaviour.

#include "actors/address.hpp"
#include "protocol/codes.hpp"
#include "protocol/frame.hpp"

#include <caf/all.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace beckon::actors {

/// A member as hooks see it; valid within the hook.
struct member_view {
  std::string_view uid;
  /// Whose session it is; of a member that is looked up: of its first one here. Empty: it has none
  /// on this node.
  std::string_view user;
  std::string_view meta;    ///< raw JSON; empty: none
  std::size_t sessions = 0; ///< on all nodes
  bool is_bot = false;      ///< an actor, not a connection
};

/// Who waits for an answer. A value: may be kept, and answered once.
struct caller {
  session_address where;
  std::uint32_t ticket = 0; ///< 0: it does not ask for one
};

struct deliver_options {
  std::string_view from = "$group"; ///< who is shown as its sender
  std::int64_t at = 0;              ///< ms since 1970; 0: now
  protocol::confirm_level confirm = protocol::confirm_level::queued;
  std::chrono::seconds ttl{5}; ///< 1 to 60: how long an outcome is waited for
};

struct publish_options {
  std::string_view from = "$group";
  std::string_view except; ///< a uid that does not get it
};

using timer_id = std::uint64_t;

class group_api {
public:
  /// Timers of one behaviour; more throw std::length_error.
  static constexpr std::size_t timers_max = 10'000;
  /// Deliveries of one group whose outcome is awaited; over it the outcome is `overloaded` at once.
  static constexpr std::size_t outcomes_max = 10'000;

  /// Longer times of bans and timers are this one: beyond it clocks overflow.
  static constexpr std::chrono::hours time_max{100 * 365 * 24};

  virtual ~group_api() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view node() const = 0;
  /// ms since 1970, as of this turn.
  virtual std::int64_t now_ms() const = 0;

  // ---- the roster ----

  virtual std::size_t members() const = 0;
  virtual std::optional<member_view> find(std::string_view uid) const = 0;
  /// In the order of their uids; those that are members as its turn comes.
  virtual void each_member(const std::function<void(const member_view&)>& f) const = 0;
  /// @pre json is a JSON value. Of a member with a session on this node; others keep theirs.
  virtual void set_meta(std::string_view uid, std::string_view json) = 0;

  // ---- messages ----

  using told = std::function<void(protocol::outcome)>;
  // What is said, and in whose name, is checked as what clients say: JSON (or opaque bytes) and
  // UTF-8, no longer than a frame may be (`--max-frame`). Otherwise std::invalid_argument and
  // std::length_error are thrown, as they are for what hooks return.

  /// A direct message to a member. `outcome`, if given, is called once with what became of it.
  virtual void deliver(std::string_view uid, const protocol::payload& data,
                       const deliver_options& how = {}, told outcome = {}) = 0;
  /// A publication to all members with full interest.
  virtual void publish(const protocol::payload& data, const publish_options& how = {}) = 0;
  /// Answers who was told `later`. Once; a second answer is ignored, as is one that comes too late.
  virtual void answer(const caller& who, const protocol::payload& data) = 0;
  virtual void refuse(const caller& who, std::string_view code, std::string_view sentence = {}) = 0;

  // ---- who may be here ----

  /// Removes the member's sessions, on every node: they get `left` with `kicked`.
  virtual void kick(std::string_view uid) = 0;
  /// Kicks, and refuses joins under that uid (`denied`) for so long, on every node: one that had no
  /// members then may let it in for a moment. Ends with the last node that knows of it; the group
  /// stays until it is over. Over 10,000 in a group (bans::held_max) the one that ends first goes.
  virtual void ban(std::string_view uid, std::chrono::milliseconds time) = 0;
  /// On every node that is reached now.
  virtual void unban(std::string_view uid) = 0;
  /// Removes all sessions of this node: they get `left` with `group_closed`. A join makes a new
  /// group.
  virtual void close() = 0;
  /// Keeps the group, and so the behaviour's state, while nobody is in it. Off at first, and of a
  /// new instance: say it in `started`.
  virtual void stay(bool on) = 0;

  // ---- time ----

  /// Calls `f` once, unless the behaviour is replaced before. @returns what `cancel` takes
  virtual timer_id after(std::chrono::milliseconds time, std::function<void()> f) = 0;
  virtual void cancel(timer_id timer) = 0;
  /// How often `ticking` is called; 0: never, as at first.
  virtual void tick_every(std::chrono::milliseconds time) = 0;

  // ---- other actors ----

  /// The group's own actor: to send as, to spawn from, to give to others as the address of this
  /// behaviour's `handlers`. What is done with it bypasses the guard of this interface.
  virtual caf::event_based_actor& actor() = 0;
  /// The same behaviour, whose exceptions cost the behaviour's state and not the group.
  virtual caf::behavior guarded(caf::behavior unsafe) = 0;
  /// Asks another actor. `f` takes its answer, `failed` (a caf::error&) the lack of one; neither is
  /// called once the behaviour has been replaced.
  template <class F, class G, class... Ts>
  void request(const caf::actor& whom, std::chrono::milliseconds timeout, F f, G failed,
               Ts&&... message) {
    auto asked = actor().request(whom, timeout, std::forward<Ts>(message)...);
    actor().add_multiplexed_response_handler(
        asked.id(), guarded(caf::behavior{std::move(f), std::move(failed)}));
  }

  /// A line in the server's log, with the group's and the behaviour's name. Never a payload.
  virtual void log(std::string_view text) = 0;
};

} // namespace beckon::actors
