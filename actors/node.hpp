#pragma once
// What all actors of a node share. Owns: the limits, the policies, the handles of the node's fixed
// actors. Written by the composition root before the first session; afterwards only the atomics
// change.

#include "actors/behaviours.hpp"
#include "actors/clock.hpp"
#include "actors/cluster_view.hpp"
#include "protocol/limits.hpp"
#include "protocol/policy.hpp"

#include <atomic>
#include <boost/system/result.hpp>
#include <caf/all.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::actors {

class home;

/// Who a client is, as its token or the URL says.
struct identity {
  std::string user;
  std::vector<std::string> as; ///< other member names it may join under
  bool as_anyone = false;
  std::optional<std::chrono::system_clock::time_point> expires;
  bool is_bot = false; ///< an actor of the program, not a connection
};

/// Verifies a token. May be called from every thread. The error is one of the two that a client is
/// told.
using authenticate = std::function<std::optional<identity>(std::string_view token)>;

/// How much of the memory that the node may take is left; net/memory_watermark.hpp says when it is
/// what.
enum class memory_level : std::uint8_t {
  enough,
  short_of, ///< nobody new is let in
  critical, ///< sessions are closed
};

struct node_state {
  std::string name = "node";
  protocol::limits bounds;
  std::vector<protocol::policy_rule> policies;
  std::chrono::milliseconds ping{10'000};
  std::chrono::milliseconds auth_timeout{5'000};
  authenticate verify; ///< empty: no token is accepted
  behaviours known_behaviours;
  std::function<void(const behaviour_event&)> behaviour_told; ///< for the log; on any thread
  /// A bot has ended; `why` is empty where it was not by an error. For the log; on any thread.
  std::function<void(std::string_view uid, std::string_view why)> bot_ended;
  /// Which group gets which; exchanged as a whole, any thread reads.
  std::atomic<std::shared_ptr<const behaviour_settings>> chosen_behaviours;

  std::vector<std::unique_ptr<home>> homes; ///< one per thread
  std::vector<caf::actor> directories;      ///< shards, by hash of the group's name
  std::vector<caf::actor> users;            ///< shards, by hash of the user
  caf::actor hub;                           ///< to the other nodes; none: the node is alone
  caf::actor clerk;                         ///< of groups that wait for outcomes
  hybrid_clock clock;
  std::atomic<std::shared_ptr<const cluster_view>> cluster; ///< shown by the hub; any thread reads

  std::atomic<std::size_t> groups{0};
  std::atomic<std::uint64_t> incarnations{1}; ///< of groups; the source of epochs
  std::atomic<bool> draining{false};
  std::atomic<memory_level> memory{memory_level::enough};
  std::atomic<std::size_t> bots_placed{0}; ///< on homes, in turn

  node_state();
  ~node_state();
  /// Lets go of the fixed actors, each home of its relay. Before the actor system ends.
  /// @pre no thread of the runtime runs any more: they read these handles without a lock
  void let_go();
  const caf::actor& directory_of(std::string_view group) const;
  const caf::actor& users_of(std::string_view user) const;
  /// Where a session's settlements and answers go: its thread's relay; those of other nodes'
  /// senders to the hub, whose place is behind the last thread's; those of groups to the clerk,
  /// whose place is behind the hub's.
  const caf::actor& door_of(std::uint16_t home) const;
  /// The shard through which all goes that is for the session of that public id, wherever it is:
  /// that of its user, so that what is for the user cannot overtake it. Nothing: no session that is
  /// reached from here can have that id.
  const caf::actor* users_of_session(std::string_view session) const;
  /// The name of the node whose session has that public id; empty: none can.
  static std::string_view node_of_session(std::string_view session) noexcept;
  /// A new public id for a session of this user: `<node>.<15 random hex digits><shard>`.
  std::string new_session_name(std::string_view user) const;
  static constexpr std::size_t session_digits = 16;

  /// More shards than threads, so that two threads seldom want one; a power of two up to 16 (one
  /// hex digit).
  static constexpr std::size_t shards = 16;
};

} // namespace beckon::actors
