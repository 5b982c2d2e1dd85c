#pragma once
// Who is in a group. Owns: members and the sessions that stand for them; what watchers have been
// told of them so far. Written by its group alone; entries go when the group hears that a session
// is down, by address, never by uid.

#include "actors/address.hpp"
#include "protocol/frame.hpp"

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

/// One session's place in a group.
struct seat {
  session_address where;
  caf::actor_addr actor;
  member* of = nullptr;
  protocol::presence_mode presence = protocol::presence_mode::none;
  protocol::interest_level interest = protocol::interest_level::full;
};

struct member {
  std::string uid;
  std::string meta; ///< raw JSON; empty: none
  std::vector<seat*> seats;
};

/// What watchers see of a member.
struct member_value {
  std::string meta;
  std::size_t sessions = 0;
  friend bool operator==(const member_value&, const member_value&) = default;
};

/// A list is split once it passes this: one more uid and meta of the usual size fit below the
/// bound.
inline constexpr std::size_t roster_split_bytes = protocol::roster_frame_bytes_max - 2 * 1024;

/// A page of the roster as of the last flushed version.
struct roster_page {
  std::string members; ///< `{"uid":{…},…}`
  std::string next;    ///< where the next page starts (`roster.after`); empty: that was all
};

class roster {
public:
  member* find(std::string_view uid) const;
  seat* find(caf::actor_id session);
  bool empty() const noexcept { return seats_.empty(); }
  std::size_t members() const noexcept { return members_.size(); }
  template <class F>
  void for_each_seat(F f) const {
    for (auto& [id, s] : seats_)
      f(s);
  }

  /// Seats a session for the member `uid`, which is made when it is new. @pre find(session) is
  /// nullptr
  seat& add(caf::actor_id session, std::string_view uid, seat entry);
  /// Unseats a session; a member goes with its last seat.
  void remove(caf::actor_id session);
  void set_meta(member& of, std::string_view meta);

  struct change {
    std::optional<member_value>
        before; ///< as watchers know it; nothing: they do not know the member
    bool shown =
        false; ///< somebody was shown a value in between: the flush tells the last one anyway
  };
  /// Changes since the last flush.
  using changes = std::map<std::string, change, std::less<>>;
  const changes& pending() const noexcept { return pending_; }
  void flushed() noexcept { pending_.clear(); }
  /// One session was shown the member as it is now.
  void shown(const member& m);

  /// Up to `limit` members behind `after`, as watchers know them; `joiner` (empty: none) as it is
  /// now. Cut at protocol::roster_frame_bytes_max.
  roster_page page(std::string_view after, std::size_t limit, std::string_view joiner = {}) const;

private:
  void note(const member& m); ///< before it changes
  const member_value* known(std::string_view uid, const member* now, member_value& store) const;

  std::map<std::string, member, std::less<>> members_;  ///< in uid order, for pages
  std::unordered_map<std::string_view, member*> index_; ///< the same by hash, for routes
  std::unordered_map<caf::actor_id, seat> seats_;
  changes pending_;
};

/// `"uid":{"meta":…,"sessions":1}`
void append_member(std::string& out, std::string_view uid, const member_value& value);

} // namespace beckon::actors
