#include "net/name_lookup.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/test/unit_test.hpp>
#include <optional>

using namespace beckon::net;
using namespace std::chrono_literals;

namespace {

using answer = std::optional<name_lookup::endpoints>;

} // namespace

BOOST_AUTO_TEST_SUITE(net_name_lookup)

BOOST_AUTO_TEST_CASE(an_address_is_answered_at_once) {
  boost::asio::io_context loop;
  name_lookup names(loop);
  for (auto host : {"127.0.0.1", "::1"}) {
    answer found;
    names.ask({host, 7}, [&](auto all) { found = all; });
    BOOST_REQUIRE(found.has_value());
    BOOST_REQUIRE(found->size() == 1U);
    BOOST_TEST(found->front().address().to_string() == host);
    BOOST_TEST(found->front().port() == 7);
  }
}

BOOST_AUTO_TEST_CASE(a_name_is_asked_for_by_one_at_a_time) {
  boost::asio::io_context loop;
  auto work = boost::asio::make_work_guard(loop);
  name_lookup names(loop);
  for (int round = 0; round < 2; ++round) {
    answer first;
    answer second;
    names.ask({"localhost", 7}, [&](auto all) { first = all; });
    BOOST_TEST(!first.has_value());
    names.ask({"localhost", 7}, [&](auto all) { second = all; });
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST(second->empty());
    BOOST_TEST(loop.run_one_for(10s) == 1U);
    BOOST_REQUIRE(first.has_value());
    BOOST_REQUIRE(!first->empty());
    BOOST_TEST(first->front().address().is_loopback());
    BOOST_TEST(first->front().port() == 7);
  }
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_name_that_nobody_wants_any_more) {
  boost::asio::io_context loop;
  for (int i = 0; i < 20; ++i) {
    name_lookup names(loop);
    names.ask({"localhost", 7}, [](auto) { BOOST_ERROR("the asker is gone"); });
  }
}

BOOST_AUTO_TEST_SUITE_END()
