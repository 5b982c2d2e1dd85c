#pragma once
// A group with a behaviour, to test it: no threads, no sockets, a clock that only moves when it is
// moved; so every run is the same. The server's own actors do the work. Owns: the node, the
// clients.

#include "actors/behaviours.hpp"
#include "actors/bot.hpp"
#include "tests/kit/client.hpp"
#include "tests/kit/stage.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What BECKON_BEHAVIOURS makes of the behaviour that is linked to the test.
extern "C" const char* beckon_register_behaviours(const char* abi,
                                                  beckon::actors::behaviours* into);

namespace beckon::testing {

struct group_setup {
  std::vector<std::string> members = {"alice", "bob", "carol"}; ///< joined, one session each
  actors::settings options = {};                                ///< of the behaviour
  std::string name = "room";                                    ///< of the group
};

class group final {
public:
  /// With a behaviour of those that are linked to the test.
  explicit group(std::string behaviour, group_setup setup = {})
      : group(linked(), std::move(behaviour), std::move(setup)) {}
  /// @throws std::invalid_argument where `known` has none of that name
  group(actors::behaviours known, std::string behaviour, group_setup setup = {});
  group(const group&) = delete;
  group& operator=(const group&) = delete;
  ~group();

  const std::string& name() const noexcept { return setup_.name; }

  // ---- who is there ----

  /// The first client of this user. @throws std::out_of_range where there is none
  client& operator[](std::string_view user);
  /// One more client, a second one of a user too, that has asked to join. @returns it and what came
  /// of that
  std::pair<client&, answer> join(std::string user, std::string_view meta = {});
  /// Starts a bot, which joins. @returns its actor
  template <class T, class... Ts>
  caf::actor add_bot(std::string uid, Ts&&... args) {
    auto made = actors::spawn_bot<T>(node_.node, node_.system(), {std::move(uid), {name()}, 0},
                                     std::forward<Ts>(args)...);
    bots_.push_back(made);
    settle();
    return made;
  }

  // ---- what happens ----

  /// Time passes, 10 ms at a time, and what comes due happens.
  void advance(std::chrono::milliseconds time);
  /// Another behaviour of those that are known takes over the living group.
  actors::swapped swap(std::string behaviour, actors::settings options = {});
  /// What the server would log of the behaviour, since the last look: "said: …", "failed: …",
  /// "slow: …", "swapped: …", "rolled back: …", "given up: …".
  std::vector<std::string> log() { return std::exchange(log_, {}); }

  // ---- for who needs more ----

  stage& node() noexcept { return node_; }
  /// Until nothing is left to do at this time; the clients read what they get.
  void settle();

private:
  static actors::behaviours linked() {
    actors::behaviours all;
    beckon_register_behaviours(BECKON_BEHAVIOUR_ABI, &all);
    return all;
  }
  void choose(std::string behaviour, actors::settings options);
  void note(const actors::behaviour_event& e);

  group_setup setup_;
  stage node_;
  struct seat {
    std::string user;
    std::unique_ptr<client> who;
  };
  std::vector<seat> seats_;
  std::vector<caf::actor> bots_;
  std::vector<std::string> log_;
};

} // namespace beckon::testing
