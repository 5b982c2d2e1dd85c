#include "net/retry_spread.hpp"

#include <boost/test/unit_test.hpp>

using beckon::net::retry_spread;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(net_retry_spread)

BOOST_AUTO_TEST_CASE(it_is_what_the_others_take_to_let_all_in) {
  BOOST_TEST((retry_spread(5000, 1, 500) == 10s));
  BOOST_TEST((retry_spread(5000, 2, 500) == 5s));
  BOOST_TEST((retry_spread(5000, 2, 1000) == 2500ms));
  BOOST_TEST((retry_spread(5000, 2, 0) == 5s));
}

BOOST_AUTO_TEST_CASE(a_few_are_spread_all_the_same) {
  BOOST_TEST((retry_spread(0, 2, 500) == 250ms));
  BOOST_TEST((retry_spread(50, 2, 500) == 250ms));
  BOOST_TEST((retry_spread(250, 2, 500) == 250ms));
  BOOST_TEST((retry_spread(251, 2, 500) == 251ms));
}

BOOST_AUTO_TEST_CASE(without_others_it_is_the_time_of_a_restart) {
  BOOST_TEST((retry_spread(0, 0, 500) == 5s));
  BOOST_TEST((retry_spread(60'000, 0, 0) == 5s));
}

BOOST_AUTO_TEST_SUITE_END()
