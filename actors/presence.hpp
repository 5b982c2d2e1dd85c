#pragma once
// Presence frames. Owns: how long changes are gathered, and how those of one window become frames,
// each with its own version. Plain functions over the roster; the group keeps the time, and decides
// who gets them.

#include "actors/roster.hpp"
#include "protocol/delivery.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace beckon::actors {

/// How long changes are gathered at least and at most (protocol.md section 4).
inline constexpr std::chrono::milliseconds presence_window_min{50}, presence_window_max{1'000};
/// Between these it is as long as so many watchers take at 10,000 frames a second: so many a node
/// tells of one group, until the window is the longest.
inline constexpr std::size_t watchers_per_ms = 10;

/// How long a group gathers changes that so many sessions of this node are told of: 50 ms up to 500
/// of them, 1 s from 10,000, between in proportion.
std::chrono::milliseconds presence_window(std::size_t watchers) noexcept;
/// How long it goes on gathering once a frame is full: a quarter of the window, at least 50 ms.
std::chrono::milliseconds presence_window_if_full(std::size_t watchers) noexcept;
/// Whether what has been gathered fills a frame: it leaves before the window's end, so that it
/// still fits into a watcher's queue.
inline bool presence_is_full(const roster& members) noexcept {
  return members.pending_bytes() >= roster_split_bytes;
}

/// The frames that tell the pending changes, versions `version + 1` and up; none when nothing
/// changed in the end.
std::vector<protocol::shared_frame>
presence_frames(const roster& members, std::string_view group_json, std::uint64_t version);

/// `{"type":"presence","group":…,"count":7}`
protocol::shared_frame count_frame(std::string_view group_json, std::size_t count);

} // namespace beckon::actors
