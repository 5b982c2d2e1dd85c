#pragma once
// What every connection needs of the server. Owns: nothing; made by the server, outlives all
// connections.

#include "actors/node.hpp"
#include "net/gatekeeper.hpp"
#include "net/log.hpp"
#include "net/options.hpp"

#include <caf/actor_system.hpp>

namespace beckon::net {

struct services {
  const options& values;
  logger& log;
  actors::node_state& node;
  gatekeeper& gate;
  caf::actor_system& system;
};

} // namespace beckon::net
