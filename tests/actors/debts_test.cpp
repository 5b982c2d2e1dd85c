#include "actors/debts.hpp"

#include <boost/test/unit_test.hpp>
#include <malloc.h>

using namespace beckon;
using namespace beckon::actors;
using namespace std::chrono_literals;
using protocol::outcome;

namespace {

constexpr steady_time start{1h};

settlement of(std::uint32_t ticket) {
  return {.to = {}, .ticket = ticket, .result = outcome::delivered};
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_debts)

BOOST_AUTO_TEST_CASE(a_position_confirms_all_before_it_in_order) {
  debts d;
  settlement s;
  BOOST_TEST(!d.owes_written());
  d.owe_written(100, of(1));
  d.owe_written(200, of(2));
  d.owe_written(200, of(3));
  d.owe_written(300, of(4));
  BOOST_TEST(d.owes_written());
  BOOST_TEST(!d.take_written(99, s));
  BOOST_TEST(d.take_written(100, s));
  BOOST_TEST(s.ticket == 1);
  BOOST_TEST(!d.take_written(199, s));
  BOOST_TEST(d.take_written(299, s));
  BOOST_TEST(s.ticket == 2);
  BOOST_TEST(d.take_written(299, s));
  BOOST_TEST(s.ticket == 3);
  BOOST_TEST(!d.take_written(299, s));
  BOOST_TEST(d.take_written(300, s));
  BOOST_TEST(s.ticket == 4);
  BOOST_TEST(!d.owes_written());
}

BOOST_AUTO_TEST_CASE(who_never_catches_up_takes_no_more_memory) {
  debts d;
  settlement s;
  auto before = ::mallinfo2().uordblks;
  d.owe_written(0, of(0));
  for (std::uint32_t i = 1; i < 100'000; ++i) {
    d.owe_written(i, of(i));
    BOOST_REQUIRE(d.take_written(i - 1, s));
    BOOST_REQUIRE(s.ticket == i - 1);
  }
  BOOST_TEST(d.owes_written());
  BOOST_TEST(::mallinfo2().uordblks < before + 64 * 1024); // all of them are 5 MB
}

BOOST_AUTO_TEST_CASE(each_message_and_request_is_settled_once) {
  debts d;
  settlement s;
  debts::request r;
  BOOST_TEST(d.owe_received(5, of(1), start, start + 5s));
  BOOST_TEST(d.owe_reply(5, {of(2), "g", start + 5s}, start)); // numbers of the two are apart
  BOOST_TEST(!d.take_received(6, s));
  BOOST_TEST(d.take_received(5, s));
  BOOST_TEST(s.ticket == 1);
  BOOST_TEST(!d.take_received(5, s));
  BOOST_TEST(d.take_request(5, r));
  BOOST_TEST(r.owed.ticket == 2);
  BOOST_TEST(r.group == "g");
  BOOST_TEST(!d.take_request(5, r));
}

BOOST_AUTO_TEST_CASE(what_is_held_is_bounded_but_for_what_nobody_waits_for) {
  debts d;
  for (std::size_t i = 0; i < debts::held_max; ++i) {
    auto expires = start + (i == 7 ? 1s : 5s);
    BOOST_TEST(d.owe_received(i, of(1), start, expires));
    BOOST_TEST(d.owe_reply(i, {of(2), "", expires}, start));
  }
  BOOST_TEST(!d.owe_received(5000, of(1), start + 999ms, start + 9s));
  BOOST_TEST(!d.owe_reply(5000, {of(2), "", start + 9s}, start + 999ms));
  BOOST_TEST(d.owe_received(5000, of(1), start + 1s, start + 9s));
  BOOST_TEST(d.owe_reply(5000, {of(2), "", start + 9s}, start + 1s));
  BOOST_TEST(!d.owe_received(5001, of(1), start + 1s, start + 9s));
  settlement s;
  BOOST_TEST(!d.take_received(7, s));
}

BOOST_AUTO_TEST_CASE(the_rest_is_offline_or_gone) {
  debts d;
  settlement s;
  d.owe_written(1, of(1));
  d.owe_written(2, of(2));
  d.take_written(1, s);
  d.owe_received(1, of(3), start, start + 5s);
  d.owe_reply(1, {of(4), "", start + 5s}, start);
  settlements all;
  d.settle_all([&](const settlement& owed) { all.push_back(owed); });
  BOOST_REQUIRE(all.size() == 3);
  BOOST_TEST(all[0].ticket == 2);
  BOOST_TEST((all[0].what == settlement::kind::outcome && all[0].result == outcome::offline));
  BOOST_TEST(all[1].ticket == 3);
  BOOST_TEST((all[1].what == settlement::kind::outcome && all[1].result == outcome::offline));
  BOOST_TEST(all[2].ticket == 4);
  BOOST_TEST((all[2].what == settlement::kind::gone));
  d.settle_all([](const settlement&) { BOOST_TEST(false, "settled twice"); });
  BOOST_TEST(!d.owes_written());
}

BOOST_AUTO_TEST_SUITE_END()
