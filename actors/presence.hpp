#pragma once
// Presence frames. Owns: how the changes of one window become frames, each with its own version.
// Plain functions over the roster; the group decides when, and who gets them.

#include "actors/roster.hpp"
#include "protocol/delivery.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace beckon::actors {

/// The frames that tell the pending changes, versions `version + 1` and up; none when nothing
/// changed in the end.
std::vector<protocol::shared_frame>
presence_frames(const roster& members, std::string_view group_json, std::uint64_t version);

/// `{"type":"presence","group":…,"count":7}`
protocol::shared_frame count_frame(std::string_view group_json, std::size_t count);

} // namespace beckon::actors
