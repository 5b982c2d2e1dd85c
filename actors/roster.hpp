#pragma once
// Who is in a group. Owns: members, the sessions and the other nodes that stand for them; what
// watchers have been told of them so far. Written by its group alone; entries go when the group
// hears that a session is down, by address, never by uid, or that another node has none any more.

#include "actors/address.hpp"
#include "actors/links.hpp"
#include "protocol/frame.hpp"
#include "protocol/policy.hpp"

#include <array>
#include <caf/actor_addr.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace beckon::actors {

struct member;

/// Which of a group's frames a seat gets beside those to its member.
enum class audience_kind : std::uint8_t { publications, full_watchers, count_watchers };
inline constexpr std::size_t audience_kinds = 3;

/// One session's place in a group.
struct seat {
  session_address where;
  caf::actor_addr actor;
  member* of = nullptr;
  protocol::presence_mode presence = protocol::presence_mode::none;
  protocol::interest_level interest = protocol::interest_level::full;
  std::uint64_t stamp = 0; ///< when it was taken, by the hybrid clock; 0: the node is alone
  std::string user = {};
  bool is_bot = false;
  std::size_t at = 0; ///< its place among the member's seats; the roster's own
  /// Its places in the audiences' lists, which are theirs; 0: in none, else one behind the place.
  std::array<std::uint32_t, audience_kinds> listed{};
};

/// What another node says of a member: it has sessions there.
struct far_seat {
  peer_id peer = 0;
  std::uint64_t sessions = 0;
  bool is_bot = false; ///< one of them is
};

struct member {
  std::string uid;
  std::string meta; ///< raw JSON; empty: none
  std::uint64_t meta_stamp = 0;
  std::vector<seat*> seats;
  std::vector<far_seat> far;
  std::size_t bots = 0;    ///< of its seats
  std::uint64_t stamp = 0; ///< of the newest seat that it had
};

/// What watchers see of a member.
struct member_value {
  std::string meta;
  std::size_t sessions = 0;
  bool is_bot = false; ///< one of them is an actor, not a connection
  friend bool operator==(const member_value&, const member_value&) = default;
};

/// A list is split once it passes this: one more uid and meta of the usual size fit below the
/// bound.
inline constexpr std::size_t roster_split_bytes = protocol::roster_frame_bytes_max - 2 * 1024;

/// What a change of a member comes to in a frame beside its uid, `"":{"sessions":1},` and a little
/// more, and beside its meta, where it has one.
inline constexpr std::size_t change_bytes = 20, meta_key_bytes = 8;

/// A page of the roster as of the last flushed version.
struct roster_page {
  std::string members; ///< `{"uid":{…},…}`
  std::string next;    ///< where the next page starts (`roster.after`); empty: that was all
};

class roster {
public:
  explicit roster(protocol::session_policy policy = protocol::session_policy::multi)
      : policy_(policy) {}

  member* find(std::string_view uid) const;
  seat* find(caf::actor_id session);
  /// Whether no session of this node is in the group.
  bool empty() const noexcept { return seats_.empty(); }
  std::size_t members() const noexcept { return members_.size(); }
  /// Those with sessions on this node.
  std::size_t near_members() const noexcept { return near_members_; }
  /// Other nodes that have members -> how many.
  const std::map<peer_id, std::size_t>& peers() const noexcept { return peers_; }
  /// In the order of their uids.
  template <class F>
  void for_each_member(F f) const {
    for (auto& [uid, m] : members_)
      f(m);
  }
  template <class F>
  void for_each_seat(F f) const {
    for (auto& [id, s] : seats_)
      f(s);
  }

  /// Seats a session for the member `uid`, which is made when it is new. @pre find(session) is
  /// nullptr
  seat& add(caf::actor_id session, std::string_view uid, seat entry);
  /// Unseats a session; a member goes with its last seat, here or on another node.
  void remove(caf::actor_id session);
  /// Another node says what sessions of the member it has. @returns the member, or nullptr when
  /// nobody stands for it any more
  member* set_far(std::string_view uid, const far_seat& there);
  /// The other node has none of anybody.
  void lose(peer_id peer);
  void set_meta(member& of, std::string_view meta, std::uint64_t stamp = 0);
  /// What watchers see of a member now. Where only one session may stand for it, a second one, on
  /// its way out or in, is not counted.
  member_value value_of(const member& m) const;

  struct change {
    std::optional<member_value>
        before; ///< as watchers know it; nothing: they do not know the member
    bool shown =
        false; ///< somebody was shown a value in between: the flush tells the last one anyway
  };
  /// Changes since the last flush.
  using changes = std::map<std::string, change, std::less<>>;
  const changes& pending() const noexcept { return pending_; }
  /// What telling them comes to, about.
  std::size_t pending_bytes() const noexcept { return pending_bytes_; }
  void flushed() noexcept {
    pending_.clear();
    pending_bytes_ = 0;
  }
  /// One session was shown the member as it is now.
  void shown(const member& m);

  /// Up to `limit` members behind `after`, as watchers know them; `joiner` (empty: none) as it is
  /// now. Cut at protocol::roster_frame_bytes_max.
  roster_page page(std::string_view after, std::size_t limit, std::string_view joiner = {}) const;

private:
  void note(const member& m); ///< before it changes
  member& enter(std::string_view uid);
  void remove_if_gone(member& m);
  const member_value* known(std::string_view uid, const member* now, member_value& store) const;

  std::map<std::string, member, std::less<>> members_;  ///< in uid order, for pages
  std::unordered_map<std::string_view, member*> index_; ///< the same by hash, for routes
  std::unordered_map<caf::actor_id, seat> seats_;
  std::map<peer_id, std::size_t> peers_;
  std::size_t near_members_ = 0;
  changes pending_;
  std::size_t pending_bytes_ = 0; ///< of each uid in it, with the meta that it has now
  protocol::session_policy policy_;
};

/// `"uid":{"meta":…,"sessions":1}`; `"bot":true` behind them where it is one
void append_member(std::string& out, std::string_view uid, const member_value& value);

} // namespace beckon::actors
