#define BOOST_TEST_MODULE auction
#include <beckon/testing.hpp>
#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

/// Open for a minute; begins with a bid of 10.
beckon::testing::group room_with(std::vector<std::string> members = {"alice", "bob", "carol"}) {
  return beckon::testing::group(
      "auction", {.members = std::move(members), .options = {{"seconds", "60"}, {"least", "10"}}});
}

std::string closes_after(std::chrono::milliseconds time) {
  return std::to_string(beckon::testing::stage::wall_ms_at_start + time.count());
}

} // namespace

BOOST_AUTO_TEST_CASE(who_is_outbid_is_told_and_nobody_else) {
  auto room = room_with();
  BOOST_TEST(room["alice"].call("bid", "10").data() == R"({"best":10})");
  BOOST_TEST(room["alice"].call("bid", "11").ok()); // over her own bid
  BOOST_TEST(room["bob"].call("bid", "12").ok());
  BOOST_TEST(room["alice"].got("direct") == strings{R"({"outbid":12})"});
  BOOST_TEST(room["bob"].got().empty());
  BOOST_TEST(room["carol"].got().empty());
}

BOOST_AUTO_TEST_CASE(a_bid_is_a_whole_number_and_higher) {
  auto room = room_with();
  BOOST_TEST(room["alice"].call("bid", "9").code() == "too_low");
  BOOST_TEST(room["alice"].call("bid", "10").ok());
  BOOST_TEST(room["bob"].call("bid", "10").code() == "too_low");
  BOOST_TEST(room["bob"].call("bid", "-11").code() == "too_low");
  for (auto* wrong : {"11.5", "1e3", "null", "\"11\"", "[11]", "9223372036854775808"})
    BOOST_TEST(room["bob"].call("bid", wrong).code() == "bad_bid");
  BOOST_TEST(room["bob"].call("sell").code() == "not_found");
}

BOOST_AUTO_TEST_CASE(it_closes_in_time_and_takes_no_bid_then) {
  auto room = room_with();
  room["alice"].call("bid", "10");
  room["bob"].call("bid", "20");
  room.advance(59'990ms);
  BOOST_TEST(room["carol"].got().empty());
  room.advance(10ms);
  for (auto* each : {"alice", "bob", "carol"})
    BOOST_TEST(room[each].got("message") == strings{R"({"sold":20,"to":"bob"})"});
  BOOST_TEST(room["alice"].call("bid", "30").code() == "too_late");
}

BOOST_AUTO_TEST_CASE(without_a_bid_it_is_not_sold) {
  auto room = room_with();
  room.advance(60s);
  BOOST_TEST(room["bob"].got("message") == strings{R"({"sold":null})"});
}

BOOST_AUTO_TEST_CASE(a_late_bid_gives_time_for_an_answer) {
  auto room = room_with();
  room.advance(55s);
  BOOST_TEST(room["alice"].call("bid", "10").ok());
  room.advance(9'990ms);
  BOOST_TEST(room["bob"].got().empty());
  room.advance(10ms);
  BOOST_TEST(room["bob"].got("message").size() == 1U);
}

BOOST_AUTO_TEST_CASE(who_comes_late_can_ask_how_it_stands) {
  auto room = room_with();
  BOOST_TEST(room["alice"].call("status").data() ==
             R"({"open":true,"best":null,"by":null,"closes":)" + closes_after(60s) + "}");
  room["alice"].call("bid", "10");
  room.advance(60s);
  BOOST_TEST(room.join("dave").first.call("status").data() ==
             R"({"open":false,"best":10,"by":"alice","closes":)" + closes_after(60s) + "}");
}

BOOST_AUTO_TEST_CASE(it_outlives_an_empty_room_until_it_is_closed) {
  auto room = room_with({"alice"});
  room["alice"].call("bid", "10");
  room["alice"].leave();
  room.advance(30s);
  room["alice"].join();
  BOOST_TEST(room["alice"].call("bid", "10").code() == "too_low");
  room["alice"].leave();
  room.advance(31s); // it closes, and nobody is there: the next one is another auction
  room["alice"].join();
  BOOST_TEST(room["alice"].call("bid", "10").ok());
}

BOOST_AUTO_TEST_CASE(other_options_leave_the_bids_and_the_end_as_they_are) {
  auto room = room_with();
  room["alice"].call("bid", "10");
  BOOST_TEST(room.swap("auction", {{"seconds", "600"}, {"extend", "0"}}).why == "");
  BOOST_TEST(room["bob"].call("bid", "10").code() == "too_low");
  room.advance(60s);
  BOOST_TEST(room["bob"].got("message") == strings{R"({"sold":10,"to":"alice"})"});
}
