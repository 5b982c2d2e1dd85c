#pragma once
// A group: its members by uid, each session of theirs monitored; routes to chosen members,
// publishes to all, tells presence. Owns: the roster and its version. Made by the directory on the
// first join, and forgotten there when it is empty and no join is on its way. It ends once nobody
// holds it: a session that has not heard yet that it is out (it was replaced) is still answered.
//
// Handles: join_group (from the directory), update_member, leave_group, read_roster, route,
// publication (from sessions; the last two from the hub, for other nodes), call_group (from
// sessions), flush_presence (from itself), settlements (from the clerk), retired, swap_behaviour
// and choose_behaviours (from the directory), down of a session; far_members, far_member,
// far_removal, far_unban, peer_lost, far_gap, far_checkpoint (from the hub). What else comes is for
// its behaviour. Answers through the relays; tells the hub of its own members.

#include "actors/actor_alarm.hpp"
#include "actors/audiences.hpp"
#include "actors/bans.hpp"
#include "actors/behaviour_host.hpp"
#include "actors/messages.hpp"
#include "actors/node.hpp"
#include "actors/roster.hpp"

#include <caf/all.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace beckon::actors {

class group final : public caf::event_based_actor {
public:
  /// Members are told this much later what they missed for want of memory.
  static constexpr std::chrono::milliseconds missed_told_after{500};

  group(caf::actor_config& config, node_state& shared, std::string name, caf::actor_addr directory);
  caf::behavior make_behavior() override;
  void on_exit() override;
  void on_destroy() override;
  const char* name() const override { return "group"; }

private:
  friend class behaviour_host; // it does here what members' frames do

  void join(join_group& j);
  bool admit(join_group& j);
  void update(const update_member& u);
  void leave(const leave_group& l);
  void read(const read_roster& r);
  void deliver(route& r);
  void hand_out(route& r, const settled_recipients& settled);
  void publish(publication& p);
  void publish_to_all(publication& p);
  using seats_by_home = std::vector<std::vector<audience_seat>>;
  seats_by_home left_out(publication& p) const;
  void call(call_group& c);
  void forget(const caf::actor_addr& session);

  void choose_behaviour();
  void choose_again(const choose_behaviours& c);
  void swap(const swap_behaviour& s);
  swapped swap_to(std::string_view behaviour);
  behaviour_host& host();
  caf::behavior own_handlers();
  void renew_handlers();
  caf::actor_id current_sender_id() { return current_sender() ? current_sender()->id() : 0; }
  void wake_by(actor_alarm::time_point when);
  void wake();
  void wake_for_bans();
  void remove(std::string_view uid, protocol::left_reason why);
  void remove_all(protocol::left_reason why);
  void remove_everywhere(std::string_view uid, std::int64_t banned_until);
  void remove_far(const far_removal& f);
  void ban(std::string_view uid, std::int64_t until);
  void unban(std::string_view uid);
  void repeat_ban(const far_member& f);

  void open(const join_group& j);
  void opened(const far_members& all);
  void set_far(const far_member& f);
  void apply_far(const far_member& f);
  void yield_to(const far_member& f);
  void lose(const peer_lost& lost);
  void tell_gap(const far_gap& g);
  void tell_hub(std::string_view uid);
  std::uint64_t stamp();

  void unseat(caf::actor_id session);
  void evict(const seat& old, protocol::left_reason why);
  void apply(seat& s, const std::optional<std::string>& meta,
             const std::optional<protocol::presence_mode>& presence,
             const std::optional<protocol::interest_level>& interest);
  std::string joined_body(const seat& s);
  void append_view(std::string& body, const seat& s);
  group_reply reply_to(const session_address& who, std::uint64_t question,
                       group_reply::kind what) const;
  void reply(group_reply r);
  void refuse(const session_address& who, std::uint64_t question, protocol::code why);
  void fan_out(audience_kind to, const protocol::shared_frame& frame);
  void schedule_flush();
  void flush_due(const flush_presence& f);
  void flush();
  void retire();
  void retire_if_empty();
  void miss(const publication& p);
  void fail_call(const call_group& c);
  void refuse_join(const join_group& j);
  void read_or_refuse(const read_roster& r);
  caf::error fail(std::exception_ptr& trouble);

  node_state& shared_;
  const std::string name_;
  const std::shared_ptr<const std::string> name_json_;
  const std::string epoch_;
  const protocol::session_policy policy_;
  /// Weak: the directory holds its groups, and those that stay would hold it beyond the end.
  const caf::actor_addr directory_;

  roster roster_;
  audiences audiences_;
  bans bans_;
  std::unique_ptr<actor_alarm> alarm_;   ///< of bans and behaviours; none: never needed
  std::unique_ptr<behaviour_host> host_; ///< none: the group has no behaviour of a user's
  bool open_;                            ///< it knows who is in the group on other nodes
  std::vector<join_group> waiting_;      ///< until it does
  std::vector<read_roster> reads_; ///< that wait for the next flush; a session has one at a time
  std::uint64_t version_ = 0;
  std::uint64_t joins_ = 0; ///< join_group messages seen; the directory counts those sent
  std::optional<std::size_t> count_told_ = 0; ///< what all watchers of the count know
  std::uint64_t window_ = 0; ///< the number of the one that changes are gathered in
  bool window_open_ = false;
  bool window_full_ = false; ///< it ends after a part of its time
  bool retired_ = false;     ///< the directory has forgotten it
  std::uint64_t missed_ = 0; ///< publications that there was no memory for, until it is told
};

} // namespace beckon::actors
