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

BOOST_AUTO_TEST_CASE(who_was_refused_is_not_read_for_a_tenth_of_a_second) {
  conduct c{protocol::limits{}};
  BOOST_TEST((c.read_again() < start));
  for (int i = 0; i < 400; ++i)
    BOOST_TEST(!c.frame(1, start));
  BOOST_TEST((c.read_again() < start));
  for (int i = 0; i < 1000; ++i) // however much was refused
    BOOST_TEST(c.frame(1, start).has_value());
  auto pause = c.read_again() - start;
  BOOST_TEST((pause >= 100ms && pause <= 101ms));
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(!c.frame(1, c.read_again()));
  BOOST_TEST(c.frame(1, c.read_again()).has_value());
}

BOOST_AUTO_TEST_CASE(the_pause_is_as_long_as_the_bucket_needs) {
  conduct bytes{protocol::limits{}};
  BOOST_TEST(!bytes.frame(1024 * 1024, start));
  BOOST_TEST(bytes.frame(512 * 1024, start).has_value());
  auto pause = bytes.read_again() - start;
  BOOST_TEST((pause >= 500ms && pause <= 501ms));
  conduct joins{protocol::limits{}};
  for (int i = 0; i < 30; ++i)
    BOOST_TEST(!joins.join(start));
  BOOST_TEST(joins.join(start).has_value());
  pause = joins.read_again() - start;
  BOOST_TEST((pause >= 100ms && pause <= 101ms));
  // A burst that is less than a tenth of a second of the rate.
  protocol::limits bounds;
  bounds.frames_burst = 2;
  conduct few{bounds};
  BOOST_TEST(!few.frame(1, start));
  BOOST_TEST(!few.frame(1, start));
  BOOST_TEST(few.frame(1, start).has_value());
  pause = few.read_again() - start;
  BOOST_TEST((pause >= 10ms && pause <= 11ms));
}

BOOST_AUTO_TEST_CASE(a_pause_counts_as_a_refusal_to_its_end) {
  protocol::limits bounds;
  bounds.frames_per_second = 1;
  bounds.frames_burst = 5; // five at once; five seconds until as many may come
  conduct c{bounds};
  auto now = start;
  for (auto round = 0; now < start + 10s; ++round) {
    while (!c.frame(1, now, 5)) {
    }
    BOOST_TEST(!c.over_rate_too_long(), round);
    now = c.read_again(); // seconds later, in which nothing could be refused
  }
  while (!c.frame(1, now, 5)) {
  }
  BOOST_TEST(c.over_rate_too_long());

  conduct patient{bounds};
  BOOST_TEST(!patient.frame(1, start, 5));
  BOOST_TEST(patient.frame(1, start, 5).has_value());
  auto much_later = patient.read_again() + conduct::over_rate_forgiven + 1ms;
  BOOST_TEST(!patient.frame(1, much_later + 60s, 5));
  BOOST_TEST(patient.frame(1, much_later + 60s, 5).has_value());
  BOOST_TEST(!patient.over_rate_too_long());
}

BOOST_AUTO_TEST_CASE(who_waits_as_told_is_forgiven_and_read_meanwhile) {
  protocol::limits bounds;
  bounds.bytes_per_second = 65'536;
  conduct c{bounds};
  BOOST_TEST(!c.frame(800'000, start)); // more than a second's rate: on credit
  auto wait = c.frame(60'000, start);
  BOOST_REQUIRE(wait.has_value());
  BOOST_TEST((*wait > 11s));
  BOOST_TEST((c.read_again() - start <= conduct::over_rate_pause_max));
  BOOST_TEST(!c.frame(60'000, start + *wait));
  BOOST_TEST(c.frame(60'000, start + *wait).has_value());
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
