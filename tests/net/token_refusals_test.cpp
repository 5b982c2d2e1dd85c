#include "net/token_refusals.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::net;
using namespace std::chrono_literals;

namespace {
const token_refusals::time start{1h};
}

BOOST_AUTO_TEST_SUITE(net_token_refusals)

BOOST_AUTO_TEST_CASE(there_is_one_line_a_second_and_it_counts) {
  token_refusals refusals;
  auto first = refusals.count(token_errc::expired, start);
  BOOST_REQUIRE(first);
  BOOST_TEST((first->why == token_errc::expired));
  BOOST_TEST(first->times == 1U);
  for (auto at : {0ms, 1ms, 500ms, 999ms})
    BOOST_TEST(!refusals.count(token_errc::expired, start + at));
  auto second = refusals.count(token_errc::expired, start + 1s);
  BOOST_REQUIRE(second);
  BOOST_TEST(second->times == 5U);
  BOOST_TEST(!refusals.count(token_errc::expired, start + 1999ms));
}

BOOST_AUTO_TEST_CASE(no_reason_hides_another_and_each_has_its_own_count) {
  token_refusals refusals;
  refusals.count(token_errc::malformed, start);
  refusals.count(token_errc::bad_signature, start);
  refusals.count(token_errc::bad_signature, start);
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(!refusals.count(token_errc::malformed, start + 1ms));
  auto next = refusals.count(token_errc::malformed, start + 1s);
  BOOST_REQUIRE(next);
  BOOST_TEST((next->why == token_errc::bad_signature));
  BOOST_TEST(next->times == 2U);
  auto last = refusals.count(token_errc::malformed, start + 2s);
  BOOST_REQUIRE(last);
  BOOST_TEST((last->why == token_errc::malformed));
  BOOST_TEST(last->times == 102U);
}

BOOST_AUTO_TEST_CASE(the_last_reason_of_all_has_its_place) {
  token_refusals refusals;
  auto last = static_cast<token_errc>(token_errc_count);
  BOOST_TEST(!text(last).empty());
  auto line = refusals.count(last, start);
  BOOST_REQUIRE(line);
  BOOST_TEST((line->why == last));
}

BOOST_AUTO_TEST_SUITE_END()
