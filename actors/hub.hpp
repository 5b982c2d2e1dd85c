#pragma once
// The node among other nodes: the only actor that a peer ever sees. Owns: the peers, and who is
// where in the whole cluster; each node is the authority on its own members. Between hubs only
// batches of records travel (protocol/record.hpp), in order.
//
// Handles: link_up, link_down (from the gate), batches (std::string, from other hubs), open_group,
// near_member, near_user, far_route, far_publication (from groups, users, sessions), settlements
// and answer (for what other nodes asked), down of a group, flush_links, beat, expire_more (from
// itself), leave_cluster (from the server). Tells groups and users of far members and users;
// settles what other nodes answer, or do not.

#include "actors/cluster_view.hpp"
#include "actors/early_batches.hpp"
#include "actors/links.hpp"
#include "actors/messages.hpp"
#include "actors/node.hpp"
#include "actors/peer.hpp"
#include "protocol/json.hpp"

#include <caf/all.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace beckon::actors {

struct hub_options {
  std::chrono::milliseconds heartbeat{500};
  std::chrono::milliseconds timeout{2000};
  /// Bytes on their way to one peer. Over it messages are `overloaded`, publications dropped.
  std::size_t window_bytes = link_window_bytes;
  /// What one peer may make us keep: of members and users that it tells of, by peer::told_cost;
  /// and, by tickets::waiting_bytes, of requests and confirmations that its clients wait for. That
  /// is as much as a hundred sessions may have (session::waiting_bytes); what is `queued` waits for
  /// nothing and is not refused.
  std::size_t told_bytes_max = std::size_t{512} * 1024 * 1024;
  std::size_t served_bytes_max = std::size_t{128} * 1024 * 1024;
};

class hub final : public caf::event_based_actor {
public:
  /// How much longer than the sender waits for its outcome another node may take to tell it.
  static constexpr std::chrono::seconds receipt_grace{1};
  /// Of what was asked of a peer, or by it, and has expired, so much is told before the hub's other
  /// messages have a turn.
  static constexpr std::size_t expired_max = 4096;
  /// Dealt with so many bytes, we say so without waiting for
  /// the heartbeat.
  static constexpr std::size_t credit_bytes = 256 * 1024;
  /// Lost nodes that are remembered for the operators.
  static constexpr std::size_t lost_max = 256;
  /// A publication is counted without the nodes that are silent this long (protocol.md section 4).
  static constexpr std::chrono::seconds count_max{5};

  /// @param told is called with each change, in this actor
  hub(caf::actor_config& config, node_state& shared, links& ways, hub_options options,
      std::function<void(const cluster_event&)> told);
  caf::behavior make_behavior() override;
  const char* name() const override { return "hub"; }

private:
  // One of another node's members, as we know it.
  struct far_value {
    peer_id peer;
    std::uint64_t sessions, stamp;
    std::string meta;
    std::uint64_t meta_stamp;
    bool is_bot;
  };
  struct group_entry {
    caf::actor_addr local; ///< the group's actor here, which ends once nobody holds it
    std::map<std::string, near_member, std::less<>> near;
    std::map<std::string, std::vector<far_value>, std::less<>> far;
    bool empty() const { return !local && near.empty() && far.empty(); }
    /// To tell it something. Nothing: nobody here is in it.
    caf::actor actor() const { return caf::actor_cast<caf::actor>(local); }
  };
  using groups = std::map<std::string, group_entry, std::less<>>;
  // A user's place on another node. One that has just gone stays for a moment: what its sessions
  // said last may come by another way.
  struct far_place {
    peer_id peer;
    bool gone;
  };

  // Links.
  void meet(const link_up& l);
  void part(const link_down& l);
  void lose(peer_id id, std::string_view why);
  void settle_lost(peer& p);
  void settle_unknown(const awaited& a);
  void lose_sender();
  void forget_roster(peer_id lost);
  void heartbeat();
  void expire(peer& p, steady_time now);
  void expire_more_of(peer_id id);
  void leave();

  // What goes out.
  void flush_soon();
  void flush();
  void flush(peer& p);
  void tell_roster(peer& p);
  template <class Record>
  bool put(peer& p, const Record& r);
  template <class Record>
  bool say(peer& p, const Record& r);
  void send_batch(peer& p);

  // This node's own.
  void open(const open_group& o);
  void close(const caf::actor_addr& group);
  void note(near_member& m);
  void note(near_user& u);
  void tell_all(const std::string& group, const std::string& uid);
  void send_far(far_route& f);
  void publish_far(far_publication& f);
  void remove_far(const far_removal& f);
  void unban_far(const far_unban& f);
  void refuse_far(const far_route& f, protocol::outcome result);
  void settle_served(const settlements& list);
  void answer_served(const answer& a);
  void complete(peer& p, const ticket& t);

  // What another node says. Each returns why its link must end; mostly nothing.
  using trouble = std::string_view;
  static constexpr trouble bad_record = "bad record";
  static constexpr trouble told_too_much = "told of too many";
  void receive(std::string& batch);
  void take_batch(peer& p, std::string_view batch);
  trouble take_record(peer& p, const protocol::raw_record& r);
  trouble take(peer& p, const protocol::member_record& r);
  trouble take(peer& p, const protocol::user_record& r);
  trouble take(peer& p, const protocol::route_record& r);
  trouble take(peer& p, const protocol::publication_record& r);
  trouble take(peer& p, const protocol::receipt_record& r);
  trouble take(peer& p, const protocol::answer_record& r);
  trouble take(peer& p, const protocol::count_record& r);
  trouble take(peer& p, const protocol::gap_record& r);
  trouble take(peer& p, const protocol::credit_record& r);
  trouble take(peer& p, const protocol::removal_record& r);
  trouble take(peer& p, const protocol::unban_record& r);
  trouble take(peer& p, const protocol::ping_record& r);
  trouble take(peer& p, const protocol::pong_record& r);
  template <class Record>
  trouble read_and_take(peer& p, std::string_view fields);

  // Whether it may (hub_trust.cpp).
  enum class standing : std::uint8_t { good, forged, bad };
  standing judge(const peer& p, const protocol::route_record& r);
  standing judge(const peer& p, const protocol::publication_record& r);
  bool may_speak(const peer& p, std::string_view group, std::string_view from) const;
  std::uint64_t credible(peer& p, std::uint64_t stamp);
  bool note_told(peer& p, std::size_t bytes, std::size_t before);
  std::size_t told_of(const peer& p, const protocol::member_record& r) const;
  bool note_user(peer& p, const protocol::user_record& r);
  void forget_gone_users();
  void forget_users(peer_id lost);
  bool has_much_to_answer(const peer& p) const;
  protocol::outcome refusal_of(const peer& p) const;

  // How far this node has got with what it said (hub_checkpoints.cpp).
  void hand_on(peer& p, const caf::actor& to);
  void set_checkpoints(peer& p);
  void pass_checkpoint(peer& p, std::uint32_t number);
  void forget_checkpoints(const caf::actor_addr& group);
  void take_back(peer& p, std::size_t bytes);
  void acknowledge(peer& p, std::size_t least);
  void refuse(peer& p, const protocol::route_record& r, protocol::outcome why);
  void cut_unread();
  std::uint32_t serve(peer& p, ticket t, std::chrono::milliseconds wait);
  session_address place_of(const peer& p) const;
  caf::actor recipient_of(addressing by, std::string_view group, std::string_view first) const;
  peer* find(peer_id id);
  peer* named(std::string_view name);
  far_member far_of(const std::string& uid, const far_value& v);
  void forget_if_empty(groups::iterator entry);
  void settle(const awaited& a, std::size_t recipient, protocol::outcome result);
  void settle_count(const awaited& a, std::uint64_t count);
  void settle_gone(const awaited& a);

  void show();
  void report(cluster_event::kind what, const peer& p, std::string_view why = {});

  node_state& shared_;
  links& ways_;
  const hub_options options_;
  std::function<void(const cluster_event&)> told_;
  std::map<peer_id, peer> peers_;
  peer_id last_peer_ = 0;
  groups groups_;
  std::unordered_map<caf::actor_id, std::string> names_;  ///< of groups' actors
  std::map<std::string, std::size_t, std::less<>> users_; ///< of this node, and their sessions
  std::map<std::string, std::vector<far_place>, std::less<>> far_users_;   ///< of other nodes
  std::set<std::pair<std::string, peer_id>> gone_users_, long_gone_users_; ///< of far_users_
  protocol::json_splitter json_;
  std::size_t members_ = 0; ///< of this node
  early_batches early_;     ///< may be of more than one peer
  struct lost_node {
    std::string why;
    peer_traffic traffic;
  };
  std::map<std::string, lost_node, std::less<>> lost_; ///< by name; also of nodes that came back
  std::size_t record_bytes_ = 0;                       ///< of the record that is being taken
  bool flushing_ = false;
  steady_time last_beat_{};
};

/// Into the batch that leaves next. @returns whether the record was short enough
template <class Record>
bool hub::put(peer& p, const Record& r) {
  auto short_enough = p.say(r);
  if (p.batch_is_full())
    send_batch(p);
  return short_enough;
}

/// The same, and sees to it that the batch leaves.
template <class Record>
bool hub::say(peer& p, const Record& r) {
  auto short_enough = put(p, r);
  if (p.wants_to_send())
    flush_soon();
  return short_enough;
}

} // namespace beckon::actors
