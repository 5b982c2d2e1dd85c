#include "actors/meter.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::actors;
using namespace std::chrono_literals;

static constexpr steady_time start{1h};

BOOST_AUTO_TEST_SUITE(actors_meter)

BOOST_AUTO_TEST_CASE(a_burst_passes_and_no_more) {
  meter m(10, 20);
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(m.take(1, start));
  BOOST_TEST(!m.take(1, start));
}

BOOST_AUTO_TEST_CASE(time_lets_more_pass_at_the_rate) {
  meter m(10, 20);
  BOOST_TEST(m.take(20, start));
  BOOST_TEST(!m.take(1, start + 99ms));
  BOOST_TEST(m.take(1, start + 100ms));
  BOOST_TEST(!m.take(1, start + 100ms));
  BOOST_TEST(m.take(10, start + 1100ms));
}

BOOST_AUTO_TEST_CASE(a_pause_saves_up_one_burst) {
  meter m(10, 20);
  BOOST_TEST(m.take(20, start));
  BOOST_TEST(m.take(20, start + 1h));
  BOOST_TEST(!m.take(1, start + 1h));
}

BOOST_AUTO_TEST_CASE(the_wait_is_how_long_it_takes) {
  meter m(10, 20);
  BOOST_TEST(m.take(20, start));
  BOOST_TEST(!m.take(5, start));
  auto wait = m.wait(5);
  BOOST_TEST((wait == 501ms)); // rounded up
  BOOST_TEST(m.take(5, start + wait));
}

BOOST_AUTO_TEST_CASE(what_is_larger_than_the_burst_passes_once_the_bucket_is_full) {
  meter m(10, 20);
  BOOST_TEST(m.take(30, start)); // leaves a debt of ten
  BOOST_TEST(!m.take(1, start + 1s));
  BOOST_TEST(m.take(1, start + 1100ms));
  BOOST_TEST(!m.take(30, start + 2s));
}

BOOST_AUTO_TEST_CASE(what_is_given_back_may_pass_again_and_no_more) {
  meter m(10, 20);
  BOOST_TEST(m.take(1, start));
  m.give_back(1);
  m.give_back(1);
  BOOST_TEST(m.take(20, start));
  BOOST_TEST(!m.take(1, start));
}

BOOST_AUTO_TEST_CASE(a_clock_that_stands_still_refills_nothing) {
  meter m(10, 1);
  BOOST_TEST(m.take(1, start + 1s));
  BOOST_TEST(!m.take(1, start)); // of an earlier turn
  BOOST_TEST(!m.take(1, start + 1s));
}

BOOST_AUTO_TEST_CASE(a_rate_of_zero_lets_everything_pass) {
  meter m(0, 0);
  for (int i = 0; i < 1000; ++i)
    BOOST_TEST(m.take(1e9, start));
  BOOST_TEST((m.wait(1e9) == 0ms));
}

BOOST_AUTO_TEST_SUITE_END()
