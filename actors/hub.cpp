#include "actors/hub.hpp"

namespace beckon::actors {

caf::behavior hub::make_behavior() {
  beat();
  return {
      [this](link_up& link) { peers_[link.link] = std::move(link); },
      [this](const link_down& link) { peers_.erase(link.link); },
      [](const std::string&) {},
      [this](caf::tick_atom) { beat(); },
  };
}

void hub::beat() {
  for (auto& [link, peer] : peers_)
    send(peer.hub, std::string{});
  delayed_send(this, heartbeat_, caf::tick_atom_v);
}

} // namespace beckon::actors
