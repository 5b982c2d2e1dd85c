#pragma once
// Turns one route into handovers, one for each thread that has recipients, and into far routes, one
// for each other node that has some. Owns: nothing beyond the
// call; used by groups and users alike, which differ only in how they find a recipient's sessions.

#include "actors/home.hpp"
#include "actors/messages.hpp"

#include <caf/all.hpp>
#include <optional>
#include <vector>

namespace beckon::actors {

/// Behind all that `self` has handed to the relays: each settles its part of the checkpoint.
void pass_on(caf::event_based_actor& self, node_state& shared, const far_checkpoint& c);

class handovers {
public:
  /// @param r gives its delivery away to the first handover
  /// @param group the name of the group that sends them, for other nodes; empty: the users do
  handovers(node_state& shared, route& r, std::string_view group = {})
      : shared_(shared), route_(r), group_(group) {}

  /// Another node that has sessions of recipient `recipient`, as one of the `sessions`.
  void add_far(peer_id peer, std::size_t recipient, std::size_t sessions);
  /// One session of recipient `recipient`, which has `sessions` in all.
  void add(const session_address& where, std::size_t recipient, std::size_t sessions);
  /// A recipient to whom nothing goes: its outcome is settled at once.
  void settle(std::size_t recipient, protocol::outcome what);
  /// Nothing goes to anybody: it failed, before anything was sent.
  void settle_all(protocol::outcome what);
  /// Sends what was gathered, in the name of `self`. Once, at the end; all of it or nothing.
  void send(caf::event_based_actor& self);

private:
  void start(const handover_target& target);
  void send_far(caf::event_based_actor& self);

  node_state& shared_;
  route& route_;
  std::string_view group_;
  std::uint16_t home_ = 0;        ///< of first_
  std::optional<handover> first_; ///< all there is while one thread suffices
  std::vector<handover> more_;    ///< by home, once it does not
  struct far_target {
    peer_id peer;
    far_route::recipient who;
  };
  std::vector<far_target> far_;
};

} // namespace beckon::actors
