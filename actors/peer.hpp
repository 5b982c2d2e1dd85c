#pragma once
// Another node, as the hub sees it while their link stands. Owns: what waits to be sent to it and
// how much may be on its way, what we asked it and it has not answered, what it asked us. Written
// by the hub alone; ends with the link.

#include "actors/cluster_view.hpp"
#include "actors/links.hpp"
#include "actors/messages.hpp"
#include "actors/tickets.hpp"
#include "actors/timed_book.hpp"
#include "protocol/record.hpp"

#include <algorithm>
#include <atomic>
#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace beckon::actors {

/// What we sent there and whose outcome we wait for.
struct awaited {
  session_address from;
  std::uint32_t ticket = 0;
  ticket::kind what = ticket::kind::send;
  std::vector<far_route::recipient> recipients; ///< of a route
  std::uint32_t parts = 1;                      ///< of a publication
  steady_time expires;
};

class peer {
public:
  /// Of the window, kept for what must not be dropped: the roster, and answers.
  static constexpr std::size_t reserve_part = 8;

  peer(peer_id number, const link_up& l, std::size_t window_bytes, steady_time now)
      : id(number), link(l.link), incarnation(l.incarnation), epoch(l.epoch), hub(l.hub),
        name(std::make_shared<const std::string>(l.peer)), heard(now), dealt_with(l.dealt_with),
        window_(window_bytes) {}

  const peer_id id;
  const link_id link;
  const std::uint64_t incarnation;
  const std::uint64_t epoch;
  const caf::actor hub;
  const std::shared_ptr<const std::string> name;

  // ---- out ----

  /// Whether so many bytes of clients' messages more may be on their way.
  bool has_room(std::size_t bytes) const noexcept { return in_flight() + bytes <= window_; }
  bool has_reserve(std::size_t bytes = 0) const noexcept {
    return in_flight() + bytes <= window_ + window_ / reserve_part;
  }
  /// More than any peer leaves unread that reads.
  bool is_unread() const noexcept { return in_flight() > link_windows_unread_max * window_; }
  /// Bytes that the peer has not dealt with yet, those that wait here included.
  std::size_t in_flight() const noexcept {
    return static_cast<std::size_t>(sent_ - acknowledged_) + out_.size();
  }
  std::size_t window() const noexcept { return window_; }
  /// Bytes that may go on their way yet. Rosters and answers may go beyond, so it can be used up.
  std::size_t credits() const noexcept { return window_ - std::min(window_, in_flight()); }
  /// Writes a record behind the others. @returns whether it could be: none is longer than
  /// protocol::record_bytes_max. @pre !batch_is_full()
  template <class Record>
  bool say(const Record& r) {
    assert(!batch_is_full());
    auto before = out_.size();
    try {
      if (out_.empty())
        protocol::start_batch(out_, epoch);
      before = out_.size();
      protocol::append(out_, r);
    } catch (...) { // no memory: half a record would be a bad one
      out_.resize(before);
      throw;
    }
    if (out_.size() - before > protocol::record_bytes_max) {
      out_.resize(before);
      return false;
    }
    ++traffic.records_out;
    return true;
  }
  bool wants_to_send() const noexcept { return !out_.empty(); }
  bool batch_is_full() const noexcept { return out_.size() >= protocol::batch_bytes; }
  /// Takes what waits; it counts as on its way.
  std::string take_batch() {
    sent_ += out_.size();
    traffic.bytes_out += out_.size();
    return std::exchange(out_, {});
  }
  void acknowledge(std::uint64_t bytes) noexcept {
    acknowledged_ += std::min(bytes, sent_ - acknowledged_);
  }

  // ---- in ----

  std::size_t unacknowledged = 0; ///< bytes that we have read and not said so
  /// Of those, what groups and users here may not have dealt with; for it no credit is given.
  std::size_t handed_on = 0;
  /// To whom, since the last checkpoint.
  std::map<caf::actor_addr, std::size_t> handed_to;
  std::size_t unchecked = 0; ///< the sum of it
  struct checkpoint {
    caf::actor_id at; ///< a group, or users
    std::size_t bytes;
  };
  std::unordered_map<std::uint32_t, checkpoint> checkpoints; ///< by their tickets in `serves`
  steady_time heard;                                         ///< when something came last
  std::chrono::nanoseconds lag{0};                           ///< the last ping's round trip
  std::uint64_t pinged = 0; ///< the last ping's number, until its pong has come
  /// See link_up.
  const std::shared_ptr<std::atomic<std::uint64_t>> dealt_with;

  /// Counts on from the links before.
  peer_traffic traffic;

  // ---- the roster ----

  /// (group, uid) whose sessions here it must be told; an empty group: the uid is a user. Each
  /// once, however often it changes: bounded by the roster.
  std::set<std::pair<std::string, std::string>> untold;
  /// What a member or user that a peer tells of costs us beside its texts, about.
  static constexpr std::size_t told_cost = 256;
  std::size_t told_bytes = 0; ///< it has told us of so much
  /// Members of groups that it has none of since this heartbeat, and the one before. They may
  /// speak: one that was replaced elsewhere had said it before it knew. Over `gone_max` no more are
  /// kept.
  static constexpr std::size_t gone_max = 10'000;
  std::set<std::pair<std::string, std::string>> gone, long_gone;
  bool is_ahead = false;   ///< its clock, and it has been said
  bool told_all = false;   ///< it knows all that there was when the link came up
  bool synced = false;     ///< so do we of it
  std::size_t members = 0; ///< that it has told us of

  // ---- messages ----

  std::uint64_t next_id() noexcept { return ++last_id_; }
  timed_book<std::uint64_t, awaited> awaits; ///< by the number that it was sent with
  tickets serves; ///< what it asked us, by our tickets; `id` is its number
  std::map<std::string, std::uint64_t> lost; ///< publications it was not sent, by group

private:
  std::string out_;
  std::size_t window_;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t last_id_ = 0;
};

} // namespace beckon::actors
