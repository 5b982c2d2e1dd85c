#pragma once
// One thread's share of the node: its sessions, deadlines, counters, and what it owes to other
// threads. Owns: the table of the thread's sessions. Touched by its own thread only, but for
// `relay` and `count`.

#include "actors/address.hpp"
#include "actors/counters.hpp"
#include "actors/messages.hpp"
#include "actors/node.hpp"
#include "actors/timing_wheel.hpp"
#include "protocol/frame.hpp"

#include <caf/all.hpp>
#include <string>
#include <vector>

namespace beckon::actors {

class session;
class relay;

class home {
public:
  home(node_state& shared, std::uint16_t index, steady_time start);
  home(const home&) = delete;
  home& operator=(const home&) = delete;
  ~home();

  /// How many homes the node has. Once, before the first session.
  void know_homes(std::size_t homes) {
    owed_.resize(homes + 2);
  } // the hub and the clerk are behind the last
  /// The home whose thread we are on. @pre a thread of the runtime, or a test that entered one
  static home& current() noexcept { return *current_; }
  /// Makes this thread the home's.
  void enter() noexcept { current_ = this; }
  /// Makes this thread nobody's.
  static void leave() noexcept { current_ = nullptr; }

  node_state& shared;
  const std::uint16_t index;
  caf::execution_unit* unit = nullptr; ///< resumes the pinned actors of this thread
  caf::actor relay_handle; ///< set before the threads, let go after them; groups send to it
  relay* relay_actor = nullptr;
  timing_wheel wheel;
  counters count;
  protocol::frame_parser parser;
  std::string scratch; ///< for encoding answers; empty between uses
  std::vector<std::string_view> lines;
  /// What every `welcome` says of the limits.
  const std::string& limits_json();

  /// The time as of this turn.
  steady_time now;
  std::int64_t wall_ms = 0; ///< since 1970

  /// Gives a session its place. The place is free again at once after `remove`.
  session_address add(session& who);
  void remove(const session_address& where);
  /// The session there, or nullptr when it has ended.
  session* find(std::uint32_t slot, std::uint32_t generation) const noexcept {
    return slot < table_.size() && table_[slot].generation == generation ? table_[slot].who
                                                                         : nullptr;
  }
  template <class F>
  void for_each_session(F f) {
    for (std::size_t i = 0; i < table_.size(); ++i)
      if (table_[i].who)
        f(*table_[i].who);
  }

  /// Tells the holder of a ticket what became of it, at the end of the turn.
  void settle(const settlement& s) { owed_[s.to.home].push_back(s); }
  bool owes() const noexcept;
  /// Carries out what was settled for sessions here.
  void settle_here();
  /// Carries out what was settled: sessions here directly, others by one message per thread. What
  /// there is no memory for is kept for the next turn.
  void end_turn();

  /// A number that no other request or message of this node has: below 2^53.
  std::uint64_t next_number() noexcept { return ++numbers_ * homes_max + index; }
  /// Where they begin: nodes that know each other begin in different places. @pre below 2^46
  void number_from(std::uint64_t start) noexcept { numbers_ = start; }

private:
  void tell_owed(std::size_t door) noexcept;

  struct place {
    session* who = nullptr;
    std::uint32_t generation = 1;
  };
  std::string limits_json_; ///< empty before the first `welcome`
  std::vector<place> table_;
  std::vector<std::uint32_t> free_;
  std::vector<settlements> owed_; ///< by home; the last is the hub's
  settlements settling_;
  std::uint64_t numbers_ = 0;
  static thread_local home* current_;
};

} // namespace beckon::actors
