#pragma once
// What GET /cluster says: the other nodes, as JSON. Owns: the names of its fields. Reads what the
// hub has shown last; any thread.

#include "actors/node.hpp"

#include <string>

namespace beckon::net {

/// One object: `node`, `members` (those of this node), and `peers`, each with `name`, `state`
/// (`syncing`, `up` or `lost`), and while its link stands `incarnation`, `members`, `lag_us`,
/// `in_flight_bytes` and `window_bytes`; where it was ever lost `last_error`.
std::string cluster_text(const actors::node_state& node);

} // namespace beckon::net
