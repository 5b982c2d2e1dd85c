#include "actors/conduct.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon;
using namespace beckon::actors;
using namespace std::chrono_literals;

static constexpr steady_time start{1h};

BOOST_AUTO_TEST_SUITE(actors_conduct)

BOOST_AUTO_TEST_CASE(frames_and_bytes_are_metered) {
  protocol::limits bounds; // 200 frames a second, 400 at once, 1 MiB a second
  conduct frames(bounds), bytes(bounds);
  for (int i = 0; i < 400; ++i)
    BOOST_TEST(!frames.frame(1, start));
  auto wait = frames.frame(1, start);
  BOOST_REQUIRE(wait.has_value());
  BOOST_TEST((*wait >= 5ms && *wait <= 6ms));
  BOOST_TEST(!frames.frame(1, start + *wait));

  for (int i = 0; i < 16; ++i)
    BOOST_TEST(!bytes.frame(64 * 1024, start));
  BOOST_TEST(bytes.frame(1, start).has_value());
}

BOOST_AUTO_TEST_CASE(what_costs_more_is_allowed_less_often) {
  conduct c{protocol::limits{}};
  for (int i = 0; i < 40; ++i)
    BOOST_TEST(!c.frame(1, start, conduct::roster_cost));
  auto wait = c.frame(1, start, conduct::roster_cost);
  BOOST_REQUIRE(wait.has_value());
  BOOST_TEST((*wait >= 50ms && *wait <= 51ms)); // at 200 a second
  BOOST_TEST(!c.frame(1, start + *wait, conduct::roster_cost));
}

BOOST_AUTO_TEST_CASE(joins_are_metered_by_themselves) {
  conduct c{protocol::limits{}};
  for (int i = 0; i < 30; ++i)
    BOOST_TEST(!c.join(start));
  BOOST_TEST(c.join(start).has_value());
  BOOST_TEST(!c.frame(1, start));
}

BOOST_AUTO_TEST_CASE(who_stays_over_the_rate_for_ten_seconds_was_too_long) {
  conduct c{protocol::limits{}};
  auto refused = [&](steady_time now) {
    while (!c.frame(1, now)) {
    }
  };
  for (auto now = start; now < start + 10s; now += 500ms) {
    refused(now);
    BOOST_TEST(!c.over_rate_too_long());
  }
  refused(start + 10s);
  BOOST_TEST(c.over_rate_too_long());
}

BOOST_AUTO_TEST_CASE(who_slows_down_for_more_than_a_second_is_forgiven) {
  conduct c{protocol::limits{}};
  auto refused = [&](steady_time now) {
    while (!c.frame(1, now)) {
    }
  };
  refused(start);
  refused(start + 1s); // not more than a second
  for (auto now = start + 1s; now < start + 9s; now += 500ms)
    refused(now);
  refused(start + 10s + 501ms);
  BOOST_TEST(!c.over_rate_too_long());
}

BOOST_AUTO_TEST_CASE(the_tenth_mistake_within_a_minute_is_one_too_many) {
  conduct c{protocol::limits{}};
  for (int i = 0; i < 9; ++i)
    BOOST_TEST(!c.mistake(start + i * 1s));
  BOOST_TEST(c.mistake(start + 59s));
  BOOST_TEST(c.mistake(start + 60s)); // the window moves: those of 1 s to 60 s are ten

  conduct slow{protocol::limits{}};
  for (int i = 0; i < 9; ++i)
    BOOST_TEST(!slow.mistake(start));
  BOOST_TEST(!slow.mistake(start + 60s)); // a minute after the first
}

BOOST_AUTO_TEST_SUITE_END()
