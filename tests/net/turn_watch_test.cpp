#include "net/turn_watch.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace beckon::net;
using namespace std::chrono_literals;

namespace {

constexpr turn_watch::time start{1h};

/// Uses the CPU until the clock says that `time` is over.
void work(std::chrono::milliseconds time) {
  auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
  }
}

struct watched {
  turn_watch watch;
  std::vector<slow_turn> told;
  bool turn(turn_watch::time from, std::chrono::nanoseconds took) {
    watch.begin(from);
    return watch.end(from + took, [this](const slow_turn& t) { told.push_back(t); });
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_turn_watch)

BOOST_AUTO_TEST_CASE(a_turn_is_slow_above_its_bound) {
  watched w;
  BOOST_TEST(!w.turn(start, turn_watch::slow));
  BOOST_TEST(w.told.empty());
  BOOST_TEST(w.turn(start + 1s, turn_watch::slow + 1ns));
  BOOST_TEST(w.told.size() == 1);
  BOOST_TEST((w.told[0].took == turn_watch::slow + 1ns));
}

BOOST_AUTO_TEST_CASE(a_turn_ends_once) {
  watched w;
  BOOST_TEST(w.turn(start, 1s));
  BOOST_TEST(!w.watch.end(start + 1h, {})); // it slept meanwhile
}

BOOST_AUTO_TEST_CASE(one_a_second_is_told_and_the_others_are_counted) {
  watched w;
  for (int i = 0; i < 15; ++i)
    BOOST_TEST(w.turn(start + i * 100ms, 60ms));
  BOOST_TEST(w.told.size() == 2);
  BOOST_TEST(w.told[0].untold == 0);
  BOOST_TEST(w.told[1].untold == 9);
}

BOOST_AUTO_TEST_CASE(what_took_longest_is_named) {
  watched w;
  w.watch.begin(start);
  w.watch.did(turn_part::sockets);
  w.watch.did(turn_part::deadlines);
  w.watch.did(turn_part::coroutines);
  work(60ms);
  w.watch.did(turn_part::actors);
  w.watch.resumed(7);
  work(5ms);
  w.watch.did(turn_part::sending);
  w.watch.end(start + 65ms, [&](const slow_turn& t) { w.told.push_back(t); });
  BOOST_REQUIRE(w.told.size() == 1);
  BOOST_TEST((w.told[0].longest == turn_part::actors));
  BOOST_TEST((w.told[0].longest_took > 30ms));
  BOOST_TEST((w.told[0].longest_took <= 65ms));
  BOOST_TEST(w.told[0].actors == 7);
  BOOST_TEST((w.told[0].cpu > 10ms)); // others want this machine's CPUs too
}

BOOST_AUTO_TEST_CASE(a_thread_that_was_kept_from_running_used_no_cpu) {
  watched w;
  w.turn(start, 1s);
  BOOST_REQUIRE(w.told.size() == 1);
  BOOST_TEST((w.told[0].cpu < 500ms));
}

BOOST_AUTO_TEST_SUITE_END()
