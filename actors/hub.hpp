#pragma once
// The one actor of a node that other nodes see. Owns: who is linked. For now it only keeps links
// alive: it says an empty batch to each at every heartbeat.
//
// Handles: link_up, link_down, a batch of records (std::string), its own beat. Answers none.

#include "actors/messages.hpp"

#include <map>

namespace beckon::actors {

class hub final : public caf::event_based_actor {
public:
  hub(caf::actor_config& config, std::chrono::milliseconds heartbeat)
      : caf::event_based_actor(config), heartbeat_(heartbeat) {}
  caf::behavior make_behavior() override;

private:
  void beat();

  std::chrono::milliseconds heartbeat_;
  std::map<link_id, link_up> peers_;
};

} // namespace beckon::actors
