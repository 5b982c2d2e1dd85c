#pragma once
// User -> sessions and session id -> session, one shard of it; no group, no presence. Owns: how
// many sessions a user may have. A session is entered before its `welcome` and goes when it is
// down.
//
// Handles: enroll_session and route (from sessions; from the hub, for other nodes), far_user,
// peer_lost and far_checkpoint (from the hub), down of a session. Answers through the relays; tells
// the hub how many sessions a user has.

#include "actors/messages.hpp"
#include "actors/node.hpp"

#include <caf/all.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace beckon::actors {

class users final : public caf::event_based_actor {
public:
  users(caf::actor_config& config, node_state& shared);
  caf::behavior make_behavior() override;
  const char* name() const override { return "users"; }

private:
  struct entry {
    session_address where;
    std::string user;
    std::string name;
  };
  void enroll(enroll_session& e);
  void refuse(const session_address& who, protocol::code why);
  void deliver(route& r);
  void deliver_to_session(route& r);
  void forget(caf::actor_id session);
  void tell_hub(const std::string& user, std::size_t sessions);
  void set_far(const far_user& f);
  void lose(const peer_lost& lost);

  node_state& shared_;
  std::unordered_map<caf::actor_id, entry> sessions_;
  std::unordered_map<std::string, std::vector<caf::actor_id>> by_user_;
  std::unordered_map<std::string, caf::actor_id> by_name_;
  std::unordered_map<std::string, std::vector<peer_id>> far_; ///< users with sessions elsewhere
};

} // namespace beckon::actors
