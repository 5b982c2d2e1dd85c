#pragma once
// What a user writes to change what a group does. Owns: the hooks, what they see and what they may
// decide. An instance belongs to one group on one node and lives in its actor: hooks of one group
// never run at the same time, and while one runs nothing else happens in the group.
//
// A hook that throws loses the instance and its state; the group makes a new one
// (behaviour_host.hpp). Hooks must not block: other groups and sessions wait for the thread.

#include "actors/group_api.hpp"
#include "protocol/codes.hpp"
#include "protocol/frame.hpp"

#include <any>
#include <array>
#include <caf/behavior.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace beckon::actors {

/// What a hook decides of what is before it.
struct verdict {
  enum class kind : std::uint8_t { pass, deny, answer, later };
  kind what = kind::pass;
  std::string text; ///< deny: the code; answer: the data
  std::string sentence;
  bool opaque = false; ///< of the answer
};
/// It goes on, as it is or as the hook has changed it.
inline verdict pass() {
  return {};
}
/// It ends here: its sender gets `error` with this code and sentence.
/// @param code 1 to 64 of [a-z0-9_]; another one becomes `denied`
inline verdict deny(std::string code = "denied", std::string sentence = {}) {
  return {verdict::kind::deny, std::move(code), std::move(sentence), false};
}
/// It ends here: its sender gets `ok` with this data.
inline verdict answer_with(const protocol::payload& data = "null") {
  return {verdict::kind::answer, std::string(data.bytes), {}, data.opaque};
}
/// It ends here, and group_api::answer or refuse tells its sender; `timeout` when neither comes in
/// time. Of a call or a request.
inline verdict later() {
  return {verdict::kind::later, {}, {}, false};
}

/// A session that wants to join.
struct joining_event {
  std::string_view uid;
  std::string_view user;
  std::optional<std::string_view> meta; ///< raw JSON
  bool is_bot = false;
  /// In place of the meta that came; a JSON value. The hook may set it.
  std::optional<std::string> changed_meta = {};
};

/// A member's call of something that the behaviour offers.
struct call_event {
  member_view from;
  std::string_view name;
  protocol::payload data;
  caller who; ///< keep it to answer later
};

/// A message on its way: `send`, `publish` or `request`.
class message_event {
public:
  virtual ~message_event() = default;
  virtual protocol::frame_type kind() const = 0;
  virtual member_view from() const = 0;
  /// The payload as it came; after `change` the changed one.
  virtual protocol::payload data() const = 0;
  /// Recipients; none of a publication.
  virtual std::size_t recipients() const = 0;
  virtual std::string_view recipient(std::size_t i) const = 0;
  /// The recipients get this in its place.
  /// @pre the bytes are a JSON value, or opaque
  virtual void change(const protocol::payload& data) = 0;
  /// Recipient `i` does not get it; the sender is told this outcome for it.
  /// @pre what is `denied`, `parked`, `offline` or `overloaded`; not of a publication
  virtual void settle(std::size_t i, protocol::outcome what) = 0;
  /// To answer a request later.
  virtual caller who() const = 0;
};

class behaviour {
public:
  virtual ~behaviour() = default;

  /// First of all, and again after a restart. After take_over where state was handed over.
  virtual void started(group_api&) {}
  /// A session wants to join; not asked again while it is in the group.
  virtual verdict joining(group_api&, joining_event&) { return pass(); }
  /// A session has joined, and its client has been told. `who.sessions` counts it.
  virtual void joined(group_api&, const member_view&) {}
  /// A session has left, however: `who.sessions` is what the member has left.
  virtual void leaving(group_api&, const member_view&) {}
  /// These three: on the node of the sender only, before any recipient is looked up.
  virtual verdict sending(group_api&, message_event&) { return pass(); }
  virtual verdict publishing(group_api&, message_event&) { return pass(); }
  virtual verdict requesting(group_api&, message_event&) { return pass(); }
  /// `call` frames. `pass`: there is none of that name (`not_found`).
  virtual verdict calling(group_api&, const call_event&) { return pass(); }
  /// Every group_api::tick_every.
  virtual void ticking(group_api&) {}

  /// Messages of other actors to this group's actor.
  virtual caf::behavior handlers(group_api&) { return {}; }

  /// State for the one that takes its place on the living group; the old one goes on with its own
  /// when the new one throws.
  virtual std::any hand_over() const { return {}; }
  /// What the one before it handed over; only called when that is not empty.
  virtual void take_over(group_api&, const std::any&) {}
};

/// What of a behaviour is called. Hooks that it has not written never are.
enum class hook : std::uint8_t {
  joining,
  joined,
  leaving,
  sending,
  publishing,
  requesting,
  calling,
  ticking,
  // These are not asked for: what every behaviour has.
  started,
  timer,
  handler,
};
inline constexpr std::size_t hook_count = 11;
inline constexpr std::array<std::string_view, hook_count> hook_names{
    "joining", "joined",  "leaving", "sending", "publishing", "requesting",
    "calling", "ticking", "started", "timer",   "handler"};
using hook_set = std::uint32_t;
constexpr hook_set bit(hook h) noexcept {
  return hook_set{1} << static_cast<unsigned>(h);
}

/// Of a member function: without its class.
template <class C, class R, class... Ts>
auto signature(R (C::*)(Ts...)) -> R (*)(Ts...);

/// The hooks that T, or a class between it and `behaviour`, has of its own.
template <class T>
constexpr hook_set hooks_of() noexcept {
  hook_set set = 0;
  auto own = [&](auto mine, auto theirs, hook h) {
    static_assert(
        std::is_same_v<decltype(signature(mine)), decltype(signature(theirs))>,
        "a hook that is declared otherwise than in beckon::behaviour would not be called");
    if constexpr (!std::is_same_v<decltype(mine), decltype(theirs)>)
      set |= bit(h);
  };
  own(&T::joining, &behaviour::joining, hook::joining);
  own(&T::joined, &behaviour::joined, hook::joined);
  own(&T::leaving, &behaviour::leaving, hook::leaving);
  own(&T::sending, &behaviour::sending, hook::sending);
  own(&T::publishing, &behaviour::publishing, hook::publishing);
  own(&T::requesting, &behaviour::requesting, hook::requesting);
  own(&T::calling, &behaviour::calling, hook::calling);
  own(&T::ticking, &behaviour::ticking, hook::ticking);
  return set;
}

} // namespace beckon::actors
