#pragma once
// What the actors of one node say to each other. Owns: the CAF type ids. Values only; each is moved
// along, never shared. They never cross nodes: between nodes only the hub's byte records travel.

#include "actors/address.hpp"
#include "actors/behaviours.hpp"
#include "actors/links.hpp"
#include "actors/timing_wheel.hpp"
#include "protocol/codes.hpp"
#include "protocol/delivery.hpp"
#include "protocol/frame.hpp"

#include <caf/all.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace beckon::actors {

/// What the handler of a frequent message returns: it answers nobody. After `void`, CAF looks for
/// whom to answer.
using unanswered = caf::delegated<void>;

// ---- session -> directory -> group: joins; session -> group: the rest ----

struct join_group {
  session_address where;
  caf::actor session;
  std::uint64_t question = 0; ///< the session's number for it, which the answer repeats
  std::string group;
  std::string uid;
  std::string user;                ///< whose session it is
  bool is_bot = false;             ///< an actor, not a connection
  std::optional<std::string> meta; ///< raw JSON
  std::optional<protocol::presence_mode>
      presence; ///< these two: nothing leaves what is, at first the default
  std::optional<protocol::interest_level> interest;
};

struct update_member {
  session_address where;
  caf::actor_id session = 0;
  std::uint64_t question = 0;
  std::optional<std::string> meta;
  std::optional<protocol::presence_mode> presence;
  std::optional<protocol::interest_level> interest;
};

struct leave_group {
  session_address where;
  caf::actor_id session = 0;
  std::uint64_t question = 0;
};

struct read_roster {
  session_address where;
  caf::actor_id session = 0;
  std::uint64_t question = 0;
  std::size_t limit = 0;
  std::string after;
};

/// Whom a route is for: members of a group, users, or one session by its public id.
enum class addressing : std::uint8_t { member, user, session };

/// The names of a route's recipients. Most routes have one, which then costs no vector.
struct recipients {
  std::string first;
  std::vector<std::string> rest;
  std::size_t size() const noexcept { return 1 + rest.size(); }
  const std::string& operator[](std::size_t i) const noexcept {
    return i == 0 ? first : rest[i - 1];
  }
};

/// A direct message or a request for chosen recipients. To a group or to the users.
struct route {
  protocol::delivery what;
  recipients to;
  addressing by = addressing::member;
  std::string group; ///< of a request to a member
  bool is_request = false;
  protocol::confirm_level confirm = protocol::confirm_level::queued;
  session_address from;
  std::uint32_t ticket = 0;            ///< of the sender; 0: it does not ask for outcomes
  std::uint64_t number = 0;            ///< of a request, or of a message that wants `received`
  std::chrono::milliseconds ttl{5000}; ///< how long the sender waits
  steady_time started{}; ///< when its frame came, for the one in `handed_sample` that is timed
  bool from_far = false; ///< from another node: for this node's sessions only
};

/// A publication to all members with full interest.
struct publication {
  protocol::delivery what;
  std::vector<std::string> except; ///< uids
  bool echo = false;
  session_address from;
  std::uint32_t ticket = 0;
  bool from_far = false; ///< from another node: for this node's sessions only
};

/// A member's call of what its group's behaviour offers.
struct call_group {
  session_address from;
  std::uint32_t ticket = 0;
  std::string name;
  std::string data; ///< JSON value, or bytes when opaque
  bool opaque = false;
};

// ---- directory <-> group ----

/// An empty group asks to be forgotten. `joins` tells how many joins have reached it.
struct retire_group {
  std::string group;
  std::uint64_t joins = 0;
};
/// The directory has forgotten the group: it ends once no session has its handle.
struct retired {};
/// A group's own: pending presence changes leave.
struct flush_presence {
  std::uint64_t window = 0; ///< which one is over
};
/// What members missed for want of memory is to be told. A group's own.
struct tell_missed {};

/// Makes a group reachable for settlements, once. To the clerk.
struct clerk_entry {
  caf::actor group;
};

// ---- operators -> directory -> groups ----

/// What became of a swap.
struct swapped {
  enum class kind : std::uint8_t { done, no_group, no_behaviour, rolled_back };
  kind what = kind::no_group;
  std::string behaviour = {};         ///< what the group has now; empty: none
  std::string was = {};               ///< what it had
  std::string why = {};               ///< rolled_back
  std::chrono::microseconds pause{0}; ///< how long the group did nothing else
};
/// Another behaviour for a living group; without one it only tells.
struct swap_behaviour {
  std::string group;
  std::optional<std::string> behaviour;     ///< its name; empty: none
  std::function<void(const swapped&)> done; ///< called once, on any thread
};
/// The rules have changed: groups whose rule says something else than before take what it says now.
struct choose_behaviours {
  std::shared_ptr<const behaviour_settings> before;
};

// ---- group, users -> relay ----

/// One session to hand a route's delivery to.
struct handover_target {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  std::uint16_t recipient = 0; ///< which of the route's recipients it belongs to
  std::uint32_t sessions = 1;  ///< how many sessions that recipient has
};

/// A delivery for chosen sessions of one thread.
struct handover {
  protocol::delivery what;
  handover_target first;
  std::vector<handover_target> rest;
  bool is_request = false;
  protocol::confirm_level confirm = protocol::confirm_level::queued;
  session_address from;
  std::uint32_t ticket = 0;
  std::uint64_t number = 0;
  std::chrono::milliseconds ttl{5000};
  steady_time started{};
  std::string group; ///< of a request to a member: its group, by which the callee knows its own uid
};

/// Sessions of one thread; shared between publications until a membership changes.
struct audience_seat {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend auto operator<=>(const audience_seat&, const audience_seat&) = default;
};
using audience = std::shared_ptr<const std::vector<audience_seat>>;

/// A delivery for an audience on one thread.
struct fanout {
  protocol::delivery what;
  audience to;
  std::vector<audience_seat> skip; ///< who does not get it, sorted
  std::shared_ptr<const std::string>
      group;                ///< JSON string; set: a frame that is dropped is told by `gap`
  session_address from;     ///< nobody: the group itself
  std::uint32_t ticket = 0; ///< 0: nobody counts
  std::uint32_t parts = 1;  ///< how many relays and nodes answer this ticket
  std::uint64_t lost = 0;   ///< not 0: that many never reached this node; `what` is empty
};

/// What a group (or the users) answers one session; all that is ordered against deliveries.
struct group_reply {
  enum class kind : std::uint8_t { joined, updated, left, roster, refused, removed, enrolled };
  kind what = kind::refused;
  session_address to;
  std::uint64_t question = 0; ///< 0: nobody asked
  std::string group;
  std::string body;          ///< `"version":3,…`: what stands in the ok beside id
  std::uint64_t version = 0; ///< joined
  std::string epoch;         ///< joined
  protocol::code why = protocol::code::internal; ///< refused
  std::string own_code; ///< refused: by the group's behaviour, in its words; `body` is the sentence
  protocol::left_reason reason = protocol::left_reason::group_closed; ///< removed
  caf::actor source;                                                  ///< joined: the group
};

// ---- relay -> relay ----

/// What became of one recipient's session, or of one part of a publication; for the session that
/// holds the ticket.
struct settlement {
  enum class kind : std::uint8_t { outcome, counted, gone };
  session_address to;
  std::uint32_t ticket = 0;
  kind what = kind::outcome;
  protocol::outcome result = protocol::outcome::delivered;
  std::uint16_t recipient = 0;
  std::uint32_t sessions = 1; ///< of this recipient
  std::uint32_t count = 0;    ///< counted: sessions whose queue took it; parts in `parts`
  std::uint32_t parts = 1;
};
using settlements = std::vector<settlement>;

/// What a callee replied to a request.
struct answer {
  session_address to;
  std::uint32_t ticket = 0;
  std::string from; ///< JSON string
  std::string data; ///< JSON value, or bytes when opaque
  bool opaque = false;
  std::string error_code; ///< set: the callee said no
  std::string error_message;
};

// ---- session <-> the actor that is its client ----

/// What the session says to its actor: one frame, JSON text. A CAF request, whose answer (that of a
/// handler returning void) says that the actor has handled it.
struct bot_frame {
  protocol::shared_frame frame;
};
/// What the actor says to its session, as a text message of a client.
struct bot_text {
  std::string text;
};

// ---- session -> users ----

/// Makes a session reachable by its user and by its id.
struct enroll_session {
  session_address where;
  caf::actor session;
  std::string user;
  std::string name; ///< the session's public id
};

// ---- groups, users -> hub; only where the node has others ----

/// A group has begun: it is told who is in it on other nodes, at first all of them.
struct open_group {
  std::string group;
  caf::actor actor;
};

/// A member's sessions here, after a change.
struct near_member {
  std::string group;
  std::string uid;
  std::size_t sessions = 0;
  std::uint64_t stamp = 0; ///< of its newest session
  std::string meta;
  std::uint64_t meta_stamp = 0;
  bool is_bot = false; ///< one of them is
};

/// A user's sessions here, after a change.
struct near_user {
  std::string user;
  std::size_t sessions = 0;
};

/// A route's recipients on one other node. `node` is its name, where no `peer` is known.
struct far_route {
  peer_id peer = 0;
  std::string node;
  route what; ///< `to` names those recipients alone
  struct recipient {
    std::uint16_t number = 0;   ///< which of the sender's recipients it is
    std::uint32_t sessions = 1; ///< how many sessions, and nodes that have some, it has
  };
  std::vector<recipient> recipients; ///< in the order of `what.to`
};

/// A publication for the members on other nodes.
struct far_publication {
  publication what;
  std::string group;
  std::vector<peer_id> peers;
  std::uint32_t parts = 1; ///< as in fanout
};

/// A member must go, on every node.
struct far_removal {
  std::string group;
  std::string uid;
  std::int64_t banned_until = 0; ///< ms since 1970; 0: it may come again
};

/// It may come again before the time, on every node.
struct far_unban {
  std::string group;
  std::string uid;
};

/// The hub's own alarms.
struct flush_links {};
struct beat {};
struct expire_more {
  peer_id peer = 0;
};
/// The node ends: say goodbye.
struct leave_cluster {};

// ---- hub -> groups, users ----

/// A member's sessions on another node: the whole truth. 0: none.
struct far_member {
  peer_id peer = 0;
  std::shared_ptr<const std::string> node; ///< its name
  std::string uid;
  std::uint64_t sessions = 0;
  std::uint64_t stamp = 0;
  std::string meta;
  std::uint64_t meta_stamp = 0;
  bool is_bot = false; ///< one of them is
};
/// The answer to open_group.
struct far_members {
  std::vector<far_member> list;
};
struct far_user {
  peer_id peer = 0;
  std::string user;
  std::uint64_t sessions = 0;
};
/// All that was known of the node's members holds no more.
struct peer_lost {
  peer_id peer = 0;
};
/// Publications that did not fit on the way to this node.
struct far_gap {
  std::uint64_t lost = 0;
};
/// Every thread's relay settles the ticket, behind all that the hub has told the group (or the
/// users) before.
struct far_checkpoint {
  session_address from;
  std::uint32_t ticket = 0;
};

} // namespace beckon::actors

CAF_BEGIN_TYPE_ID_BLOCK(beckon, first_custom_type_id)
CAF_ADD_TYPE_ID(beckon, (beckon::actors::join_group))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::update_member))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::leave_group))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::read_roster))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::route))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::publication))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::retire_group))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::flush_presence))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::tell_missed))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::handover))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::fanout))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::group_reply))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::settlements))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::answer))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::enroll_session))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::link_up))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::link_down))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::open_group))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::near_member))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::near_user))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_route))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_publication))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::flush_links))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::beat))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::expire_more))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::leave_cluster))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_member))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_members))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_user))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::peer_lost))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_gap))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_checkpoint))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::call_group))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::retired))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::swap_behaviour))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::choose_behaviours))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_removal))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::far_unban))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::clerk_entry))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::bot_frame))
CAF_ADD_TYPE_ID(beckon, (beckon::actors::bot_text))
CAF_END_TYPE_ID_BLOCK(beckon)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::join_group)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::update_member)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::leave_group)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::read_roster)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::route)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::publication)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::retire_group)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::flush_presence)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::tell_missed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::handover)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::fanout)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::group_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::settlements)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::enroll_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::link_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::link_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::open_group)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::near_member)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::near_user)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_route)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_publication)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::flush_links)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::beat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::expire_more)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::leave_cluster)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_member)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_members)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_user)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::peer_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_gap)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_checkpoint)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::call_group)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::retired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::swap_behaviour)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::choose_behaviours)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_removal)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::far_unban)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::clerk_entry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::bot_frame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::bot_text)
