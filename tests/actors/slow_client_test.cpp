#include "actors/slow_client.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon;
using namespace beckon::actors;
using namespace std::chrono_literals;

static constexpr steady_time start{1h};

namespace {

protocol::limits small() {
  protocol::limits bounds;
  bounds.outbound_bytes_max = 100;
  bounds.reserve_bytes_max = 20;
  return bounds;
}

struct client {
  protocol::limits bounds = small();
  slow_client rule{bounds, {.without_progress = 10s, .full = 30s}};
};

} // namespace

BOOST_AUTO_TEST_SUITE(actors_slow_client)

BOOST_AUTO_TEST_CASE(a_delivery_fits_up_to_the_limit) {
  client c;
  BOOST_TEST(c.rule.fits(60, 39));
  BOOST_TEST(c.rule.fits(60, 40));
  BOOST_TEST(!c.rule.fits(60, 41));
}

BOOST_AUTO_TEST_CASE(answers_may_use_the_reserve) {
  client c;
  BOOST_TEST(!c.rule.over_reserve(119));
  BOOST_TEST(!c.rule.over_reserve(120));
  BOOST_TEST(c.rule.over_reserve(121));
}

BOOST_AUTO_TEST_CASE(a_refusal_fills_the_queue_until_half_of_it_is_free) {
  client c;
  BOOST_TEST(c.rule.may_be_read(100));
  BOOST_TEST(c.rule.refused(90, start));
  BOOST_TEST(!c.rule.refused(95, start)); // it is full already
  BOOST_TEST(!c.rule.may_be_read(51));
  BOOST_TEST(!c.rule.freed(51));
  BOOST_TEST(c.rule.freed(50));
  BOOST_TEST(c.rule.may_be_read(50));
  BOOST_TEST(!c.rule.freed(0));
}

BOOST_AUTO_TEST_CASE(what_is_too_large_for_an_empty_queue_makes_nobody_slow) {
  client c;
  BOOST_TEST(!c.rule.fits(0, 101));
  BOOST_TEST(!c.rule.refused(0, start));
  BOOST_TEST(!c.rule.refused(50, start));
  BOOST_TEST(c.rule.may_be_read(0));
  BOOST_TEST(!c.rule.is_waiting());
  BOOST_TEST(!c.rule.is_too_slow(start + 1h));
  BOOST_TEST(c.rule.refused(51, start));
}

BOOST_AUTO_TEST_CASE(a_queue_over_its_limit_is_not_read) {
  client c;
  BOOST_TEST(c.rule.may_be_read(100));
  BOOST_TEST(!c.rule.may_be_read(101));
}

BOOST_AUTO_TEST_CASE(who_takes_nothing_is_too_slow) {
  client c;
  c.rule.waits(start);
  c.rule.waits(start + 5s); // more is queued: that is no progress
  BOOST_TEST(!c.rule.is_too_slow(start + 9999ms));
  BOOST_TEST((c.rule.too_slow_at() == start + 10s));
  BOOST_TEST(c.rule.is_too_slow(start + 10s));
  c.rule.moved(1, start + 10s);
  BOOST_TEST(!c.rule.is_too_slow(start + 19s));
  BOOST_TEST(c.rule.is_too_slow(start + 20s));
  c.rule.moved(0, start + 20s);
  BOOST_TEST(!c.rule.is_waiting());
  BOOST_TEST(!c.rule.is_too_slow(start + 1h));
  c.rule.waits(start + 1h);
  BOOST_TEST(!c.rule.is_too_slow(start + 1h));
}

BOOST_AUTO_TEST_CASE(who_stays_full_is_too_slow_whatever_it_takes) {
  client c;
  c.rule.waits(start);
  BOOST_TEST(c.rule.refused(90, start));
  for (auto at = start; at < start + 30s; at += 1s) {
    BOOST_TEST(!c.rule.is_too_slow(at));
    c.rule.moved(90, at);
  }
  BOOST_TEST((c.rule.too_slow_at() == start + 30s));
  BOOST_TEST(c.rule.is_too_slow(start + 30s));
  BOOST_TEST(c.rule.freed(50));
  c.rule.moved(50, start + 30s);
  BOOST_TEST(!c.rule.is_too_slow(start + 30s));
}

BOOST_AUTO_TEST_SUITE_END()
