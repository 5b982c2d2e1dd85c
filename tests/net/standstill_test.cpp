#include "net/standstill.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::net;
using namespace std::chrono_literals;

namespace {

constexpr standstill::time start{1h};
constexpr auto looks = std::size_t{4};
constexpr auto all = true;
constexpr auto part = false;

} // namespace

BOOST_AUTO_TEST_SUITE(net_standstill)

BOOST_AUTO_TEST_CASE(a_sleep_that_ends_in_time_is_none) {
  standstill s(start);
  s.looked(start + 10s, 10s, all, looks);
  BOOST_TEST(!s.resting());
  s.looked(start + 10s + standstill::least, 0s, part, looks);
  BOOST_TEST(!s.resting());
}

BOOST_AUTO_TEST_CASE(one_that_is_longer_than_it_was_meant_to_be_is_told_once) {
  standstill s(start);
  BOOST_TEST((s.looked(start + 10s + standstill::least + 1ms, 10s, all, looks) ==
              standstill::least + 1ms));
  BOOST_TEST(s.resting());
  BOOST_TEST((s.looked(start + 10s + standstill::least + 2ms, 0s, all, looks) == 0s));
}

BOOST_AUTO_TEST_CASE(the_turn_that_sees_it_rests_although_all_sockets_were_found) {
  standstill s(start);
  s.looked(start + 1s, 0s, all, looks);
  BOOST_TEST(s.resting());
  s.looked(start + 1s + standstill::settling - 1ms, 0s, all, looks);
  BOOST_TEST(s.resting());
  s.looked(start + 1s + standstill::settling, 0s, all, looks);
  BOOST_TEST(!s.resting());
}

BOOST_AUTO_TEST_CASE(it_rests_for_one_pass_over_the_sockets_and_no_longer) {
  standstill s(start);
  auto now = start + 1s;
  s.looked(now, 0s, part, looks);
  for (std::size_t i = 1; i < looks; ++i) {
    s.looked(now += 30ms, 0s, part, looks); // there is always more: the load does not end
    BOOST_TEST(s.resting());
  }
  s.looked(now += 30ms, 0s, part, looks);
  BOOST_TEST(!s.resting());
}

BOOST_AUTO_TEST_CASE(another_one_meanwhile_does_not_make_it_longer) {
  standstill s(start);
  auto now = start + 1s;
  s.looked(now, 0s, part, looks);
  for (std::size_t i = 0; i < looks; ++i)
    s.looked(now += 1s, 0s, part, looks);
  BOOST_TEST(!s.resting()); // deadlines fire in this turn
  s.looked(now += 1s, 0s, part, looks);
  BOOST_TEST(s.resting());
}

BOOST_AUTO_TEST_CASE(another_one_right_behind_the_first_is_waited_for_once) {
  standstill s(start);
  auto now = start + 1s;
  s.looked(now, 0s, all, looks);
  s.looked(now += 1s, standstill::settling, all, looks);
  BOOST_TEST(s.resting());
  s.looked(now += 1s, standstill::settling, all, looks);
  BOOST_TEST(!s.resting());
}

BOOST_AUTO_TEST_CASE(each_is_told_although_deadlines_rest_already) {
  standstill s(start);
  s.looked(start + 1s, 0s, all, looks);
  BOOST_TEST((s.looked(start + 3s, standstill::settling, all, looks) == 2s - standstill::settling));
  BOOST_TEST((s.looked(start + 4s, 1s, all, looks) == 0s));
}

BOOST_AUTO_TEST_CASE(one_within_a_sleep_that_ends_in_time_hides_nothing) {
  standstill s(start);
  // The deadline slept for is not due yet when the sleep is cut short, and is the first thing due
  // when it overshoots.
  s.looked(start + 3s, 5s, all, looks);
  BOOST_TEST(!s.resting());
  s.looked(start + 3s + 5s + standstill::least + 1ms, 5s, all, looks);
  BOOST_TEST(s.resting());
}

BOOST_AUTO_TEST_CASE(one_between_two_looks_is_noticed_wherever_it_comes) {
  standstill s(start);
  BOOST_TEST(!s.noticed(start + standstill::least));
  BOOST_TEST(s.noticed(start + standstill::least + 1ms));
  s.looked(start + 2s, 0s, all, looks);
  BOOST_TEST(!s.noticed(start + 2s));
}

BOOST_AUTO_TEST_SUITE_END()
