#pragma once
// One seed: a node, its clients, and a schedule in which everything that could happen next is as
// likely as the dice say. Owns: all of it. Ends when nothing is on its way any more, or at the
// first promise that is broken.

#include "tests/kit/stage.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/script.hpp"
#include "tests/simulation/trace.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace beckon::testing {

class world {
public:
  world(std::uint64_t seed, bool in_words);
  ~world();

  /// Plays the seed to its end.
  void run();
  const trace& events() const noexcept { return trace_; }

private:
  void act();
  void run_job();
  void let_time_pass();
  void connect();
  void plan();
  void read();
  void take();
  void end_one();
  void kill();

  void break_some();
  void calm();
  bool calm_peer(peer& p);
  void let_time_pass_calmly(std::chrono::milliseconds step, int times);
  void read_next(peer& p);
  void answer_due(peer& p);
  void end(peer& p);
  void check_gauges();
  void check_nothing_is_left();
  peer* somebody();

  dice dice_;
  trace trace_;
  stage stage_;
  ledger ledger_;
  script script_;
  const std::size_t clients_max_;
  const std::size_t steps_;
  const bool kills_;
  const bool slow_clients_;
};

} // namespace beckon::testing
