#pragma once
// The behaviour of one group, and the fence around it: whatever user code does, the group's roster,
// handles and order are not its. Owns: the instance, its timers, the outcomes it waits for, how
// often it was started again. Made by its group, in whose actor all of it runs; ends with it.
//
// An instance that throws is discarded and made anew: restarts_max times within restarts_within,
// then the group closes with `group_failed`. The message in hand gets `internal`, those behind it
// are served.

#include "actors/behaviours.hpp"
#include "actors/home.hpp"
#include "actors/messages.hpp"
#include "actors/tickets.hpp"
#include "actors/timed_book.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace beckon::actors {

class group;
struct seat;
struct member;

/// Recipients that a hook has taken out of a route: an outcome where it did.
using settled_recipients = std::vector<std::optional<protocol::outcome>>;

class behaviour_host final : public group_api {
public:
  static constexpr std::size_t restarts_max = 3;
  static constexpr std::chrono::seconds restarts_within{10};
  /// What runs longer is logged: other groups and sessions waited meanwhile.
  static constexpr std::chrono::milliseconds slow_min{100};
  /// How often awaited outcomes are looked through for those that are overdue.
  static constexpr std::chrono::seconds overdue_step{1};
  /// Timers that are due and called before the group's next message.
  static constexpr std::size_t rings_max = 64;

  explicit behaviour_host(group& of) : of_(of) {}

  // ---- by the group ----

  /// Begins with this behaviour; nullptr: with none.
  void start(const behaviour_kind* kind, settings given);
  /// Another one on the living group. @returns what became of it
  swapped swap(const behaviour_kind* kind, settings given);
  /// The group has been forgotten: its behaviour ends.
  void stop();
  std::string_view behaviour() const noexcept {
    return now_.kind ? std::string_view(now_.kind->name) : std::string_view{};
  }
  /// It threw too often; the group takes nobody any more.
  bool failed() const noexcept { return failed_; }
  bool stays() const noexcept { return now_.stays; }
  bool wants(hook h) const noexcept { return (hooks_ & bit(h)) != 0; }

  /// Each asks the hook. @returns whether it goes on; if not, its sender has been told
  bool lets_join(join_group& j);
  bool lets_pass(route& r, caf::actor_id sender, settled_recipients& settled);
  bool lets_pass(publication& p, caf::actor_id sender);
  void call(call_group& c, caf::actor_id sender);
  /// Kept until `tell_changes`, as hooks run between the group's own steps only.
  void note_joined(const seat& s);
  void note_left(const seat& s);
  void tell_changes();
  /// Something may be due.
  void wake();
  void settle(const settlements& list);
  /// What other actors may send to the group's actor.
  caf::behavior handlers();
  void refuse_sender(const session_address& to, std::uint32_t ticket, std::string_view code,
                     std::string_view sentence);
  void refuse_sender(const session_address& to, std::uint32_t ticket, protocol::code why) {
    refuse_sender(to, ticket, protocol::name(why), protocol::text(why));
  }

  // ---- by the behaviour ----

  std::string_view name() const override;
  std::string_view node() const override;
  std::int64_t now_ms() const override;
  std::size_t members() const override;
  std::optional<member_view> find(std::string_view uid) const override;
  void each_member(const std::function<void(const member_view&)>& f) const override;
  void set_meta(std::string_view uid, std::string_view json) override;
  void deliver(std::string_view uid, const protocol::payload& data, const deliver_options& how,
               told outcome) override;
  void publish(const protocol::payload& data, const publish_options& how) override;
  void answer(const caller& who, const protocol::payload& data) override;
  void refuse(const caller& who, std::string_view code, std::string_view sentence) override;
  void kick(std::string_view uid) override;
  void ban(std::string_view uid, std::chrono::milliseconds time) override;
  void unban(std::string_view uid) override;
  void close() override;
  void stay(bool on) override;
  timer_id after(std::chrono::milliseconds time, std::function<void()> f) override;
  void cancel(timer_id timer) override;
  void tick_every(std::chrono::milliseconds time) override;
  caf::event_based_actor& actor() override;
  caf::behavior guarded(caf::behavior unsafe) override;
  void log(std::string_view text) override;

private:
  friend class guarded_behavior;
  static constexpr steady_time never = steady_time::max();
  class route_event;
  class publication_event;

  struct set_timer {
    steady_time expires{};
    std::function<void()> call = {};
  };
  /// All that goes with an instance, so that a swap can be taken back.
  struct living {
    std::unique_ptr<beckon::actors::behaviour> instance = {};
    const behaviour_kind* kind = nullptr;
    settings given = {};
    std::uint64_t generation = 0;
    timed_book<timer_id, set_timer> timers = {};
    std::chrono::milliseconds tick{0}; ///< 0: none
    steady_time tick_at = never;
    bool stays = false;                                   ///< its group, without members
    std::unordered_map<std::uint32_t, told> awaited = {}; ///< by ticket
  };
  /// A view that outlives the member's removal: hooks may kick whom they are asked about.
  struct kept_member {
    explicit kept_member(const member_view& v)
        : uid(v.uid), user(v.user), meta(v.meta), view{uid, user, meta, v.sessions, v.is_bot} {}
    kept_member(const kept_member&) = delete;
    kept_member& operator=(const kept_member&) = delete;
    const std::string uid, user, meta;
    const member_view view;
  };
  struct change {
    bool joined;
    std::string uid, user, meta;
    std::size_t sessions;
    bool is_bot;
  };

  /// @returns false when it threw
  template <class F>
  bool run(hook what, F f) {
    return run(
        what, [](void* in) { (*static_cast<F*>(in))(); }, &f);
  }
  bool run(hook what, void (*user_code)(void*), void* in);
  void tell_slow(hook what, std::chrono::nanoseconds took);
  void install(living in);
  std::optional<std::string> make(living fresh, const std::any& state);
  std::optional<std::string> take_state(std::any& state) const;
  std::optional<std::string> why_not(const std::any& state, const behaviour_kind* next) const;
  void go_on(living before);
  void restart(hook what, std::string_view why);
  void make_again_while_it_throws();
  void note_failure(hook what, std::string_view why);
  void give_up();
  void tell(behaviour_event e) const;
  bool judge(const verdict& v, const session_address& to, std::uint32_t ticket, message_kind kind);
  member_view view_of(const member& m) const;
  member_view sender_of(caf::actor_id session) const;
  protocol::payload payload_of(const protocol::delivery& d);
  protocol::payload checked(const protocol::payload& data);
  std::string quoted(std::string_view text) const;
  protocol::delivery encode(protocol::frame_type kind, std::string_view from,
                            const protocol::payload& data, const protocol::delivery_head& rest);
  std::uint32_t await_outcome(const route& r, told outcome);
  void finish(std::uint32_t number, const ticket& t);
  void answer_caller(const caller& who, const protocol::payload& data);
  /// What a hook has decided. @throws std::invalid_argument where that cannot be said
  verdict checked(verdict v);
  /// @throws std::length_error when it is longer than members may have it
  std::string checked_meta(std::string_view json);
  void expire_overdue();
  void ring(timer_id which);
  void ring_tick();
  steady_time in(std::chrono::milliseconds time) const;
  void wake_for_time();
  void look_for_overdue();

  group& of_;
  living now_;
  hook_set hooks_ = 0;
  std::uint64_t generations_ = 0;
  timer_id timers_ = 0;
  bool failed_ = false; ///< given up
  bool running_ = false;
  bool telling_ = false;
  std::deque<steady_time> failures_;
  std::deque<change> changes_;
  tickets tickets_;
  bool enlisted_ = false;          ///< the clerk knows the group
  steady_time overdue_at_ = never; ///< when it looks for overdue outcomes
  protocol::json_splitter json_;
  std::string line_; ///< what `checked` returns, where it is not what came
};

} // namespace beckon::actors
