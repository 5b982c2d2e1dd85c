#include "actors/counters.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

using namespace beckon::actors;
using namespace beckon::protocol;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(actors_counters)

BOOST_AUTO_TEST_CASE(a_gauge_may_go_below_zero_on_one_thread) {
  gauge one;
  gauge other;
  one.add(3);
  other.sub();
  BOOST_TEST(one.value() + other.value() == 2);
  BOOST_TEST(other.value() == -1);
}

BOOST_AUTO_TEST_CASE(a_duration_falls_into_the_first_bucket_that_holds_it) {
  for (std::size_t i = 0; i < duration_histogram::bounds.size(); ++i) {
    duration_histogram histogram;
    histogram.observe(duration_histogram::bounds[i] - 1ns);
    histogram.observe(duration_histogram::bounds[i]);
    histogram.observe(duration_histogram::bounds[i] + 1ns);
    BOOST_TEST(histogram.bucket(i) == 2U);
    BOOST_TEST(histogram.bucket(i + 1) == 1U);
  }
}

BOOST_AUTO_TEST_CASE(durations_are_summed_and_a_clock_that_went_back_adds_nothing) {
  duration_histogram histogram;
  histogram.observe(1500ns);
  histogram.observe(2s);
  histogram.observe(-5s);
  BOOST_TEST(histogram.sum_ns() == 2'000'001'500U);
  BOOST_TEST(histogram.bucket(0) == 2U);
  BOOST_TEST(histogram.bucket(duration_histogram::bounds.size()) == 1U);
}

BOOST_AUTO_TEST_CASE(every_way_to_end_has_its_own_cell) {
  std::set<std::size_t> cells{close_client, close_lost};
  for (auto code : close_codes)
    cells.insert(close_index(code));
  BOOST_TEST(cells.size() == std::size(close_codes) + 2);
  BOOST_TEST(*cells.rbegin() == close_count - 1);
  counters c;
  c.closed(close_code::slow_consumer);
  c.closed_by_client();
  c.lost();
  BOOST_TEST(c.closes[close_index(close_code::slow_consumer)].value() == 1U);
  BOOST_TEST(c.closes[close_client].value() == 1U);
  BOOST_TEST(c.closes[close_lost].value() == 1U);
}

BOOST_AUTO_TEST_CASE(every_status_of_the_upgrade_has_its_own_refusal) {
  BOOST_TEST(refusal_names[static_cast<std::size_t>(refusal_of(403))] == "origin");
  for (unsigned status : {400, 401, 404, 405, 414, 426, 429, 431, 503})
    BOOST_TEST(refusal_names[static_cast<std::size_t>(refusal_of(status))] ==
               "http_" + std::to_string(status));
  BOOST_TEST((refusal_of(418) == refusal::http_other));
  BOOST_TEST(refusal_names[static_cast<std::size_t>(refusal::http_other)] == "http_other");
  BOOST_TEST(refusal_names[static_cast<std::size_t>(refusal::handshake_timeout)] ==
             "handshake_timeout");
}

BOOST_AUTO_TEST_CASE(frames_are_counted_by_what_they_carry) {
  BOOST_TEST((kind_of(frame_type::send) == message_kind::send));
  BOOST_TEST((kind_of(frame_type::publish) == message_kind::publish));
  BOOST_TEST((kind_of(frame_type::request) == message_kind::request));
  BOOST_TEST((kind_of(frame_type::reply) == message_kind::reply));
  BOOST_TEST((kind_of(frame_type::join) == message_kind::other));
  counters c;
  c.message(message_kind::publish, outcome::delivered, 20);
  c.refuse(message_kind::send, code::not_member);
  c.refuse(refusal::http_429);
  BOOST_TEST(c.messages[1][static_cast<std::size_t>(outcome::delivered)].value() == 20U);
  BOOST_TEST(c.refused[0][static_cast<std::size_t>(code::not_member)].value() == 1U);
  BOOST_TEST(c.refusals[static_cast<std::size_t>(refusal::http_429)].value() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
