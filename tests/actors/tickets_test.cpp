#include "actors/tickets.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace beckon;
using namespace beckon::actors;
using namespace std::chrono_literals;
using protocol::outcome;

namespace {

constexpr steady_time start{1h};

ticket to(std::vector<std::string> names, ticket::kind what = ticket::kind::send) {
  ticket t;
  t.what = what;
  t.id = 7;
  t.to.first = names.front();
  t.to.rest.assign(names.begin() + 1, names.end());
  t.expires = start + 5s;
  return t;
}

settlement outcome_of(std::uint32_t number, std::uint16_t recipient, outcome what,
                      std::uint32_t sessions = 1) {
  return {.to = {},
          .ticket = number,
          .what = settlement::kind::outcome,
          .result = what,
          .recipient = recipient,
          .sessions = sessions};
}

settlement gone(std::uint32_t number, std::uint32_t sessions) {
  return {.to = {},
          .ticket = number,
          .what = settlement::kind::gone,
          .result = outcome::offline,
          .sessions = sessions};
}

settlement counted(std::uint32_t number, std::uint32_t count, std::uint32_t parts) {
  return {.to = {},
          .ticket = number,
          .what = settlement::kind::counted,
          .count = count,
          .parts = parts};
}

std::string text(const ticket& t) {
  std::string all;
  for (auto& one : not_delivered(t))
    all.append(one.recipient).append("=").append(protocol::name(one.what)) += ' ';
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_tickets)

BOOST_AUTO_TEST_CASE(a_ticket_is_complete_once_every_recipient_has_an_outcome) {
  tickets book;
  ticket done;
  auto number = book.open(to({"a", "b", "c"}));
  BOOST_TEST(number != 0);
  BOOST_TEST(!book.settle(outcome_of(number, 2, outcome::delivered), done));
  BOOST_TEST(!book.settle(outcome_of(number, 0, outcome::offline), done));
  BOOST_TEST(!book.settle(outcome_of(number, 0, outcome::delivered), done)); // settled already
  BOOST_TEST(book.settle(outcome_of(number, 1, outcome::overloaded), done));
  BOOST_TEST(done.id == 7);
  BOOST_TEST(text(done) == "a=offline b=overloaded ");
  BOOST_TEST(book.size() == 0);
  BOOST_TEST(!book.settle(outcome_of(number, 1, outcome::delivered), done)); // answered
}

BOOST_AUTO_TEST_CASE(the_first_session_that_reaches_the_level_decides) {
  tickets book;
  ticket done;
  auto number = book.open(to({"a"}));
  BOOST_TEST(!book.settle(outcome_of(number, 0, outcome::overloaded, 3), done));
  BOOST_TEST(!book.settle(outcome_of(number, 0, outcome::offline, 3), done));
  BOOST_TEST(book.settle(outcome_of(number, 0, outcome::delivered, 3), done));
  BOOST_TEST(text(done) == "");
}

BOOST_AUTO_TEST_CASE(a_recipient_may_have_more_sessions_than_16_bits_count) {
  constexpr std::uint32_t sessions = 65'537;
  tickets book;
  ticket done;
  auto number = book.open(to({"a"}));
  for (std::uint32_t i = 1; i < sessions; ++i)
    BOOST_REQUIRE(!book.settle(outcome_of(number, 0, outcome::overloaded, sessions), done));
  BOOST_TEST(book.settle(outcome_of(number, 0, outcome::overloaded, sessions), done));
  BOOST_TEST(text(done) == "a=overloaded ");
}

BOOST_AUTO_TEST_CASE(a_full_queue_says_more_than_an_absence) {
  tickets book;
  ticket done;
  for (auto [first, second] : {std::pair(outcome::overloaded, outcome::offline),
                               {outcome::offline, outcome::overloaded}}) {
    auto number = book.open(to({"a"}));
    BOOST_TEST(!book.settle(outcome_of(number, 0, first, 2), done));
    BOOST_TEST(book.settle(outcome_of(number, 0, second, 2), done));
    BOOST_TEST(text(done) == "a=overloaded ");
  }
}

BOOST_AUTO_TEST_CASE(a_publication_adds_up_its_parts) {
  tickets book;
  ticket done, t;
  t.what = ticket::kind::publish;
  t.expires = start;
  auto number = book.open(t);
  BOOST_TEST(!book.settle(counted(number, 3, 3), done));
  BOOST_TEST(!book.settle(counted(number, 0, 3), done));
  BOOST_TEST(book.settle(counted(number, 4, 3), done));
  BOOST_TEST(done.count == 7);
  number = book.open(t);
  BOOST_TEST(book.settle(counted(number, 0, 1), done));
  BOOST_TEST(done.count == 0);
}

BOOST_AUTO_TEST_CASE(a_request_is_over_when_nobody_is_left_who_could_reply) {
  tickets book;
  ticket done;
  auto number = book.open(to({"a"}, ticket::kind::request));
  BOOST_TEST(!book.settle(outcome_of(number, 0, outcome::overloaded, 3), done));
  BOOST_TEST(!book.settle(gone(number, 3), done));
  BOOST_TEST(book.settle(gone(number, 3), done));
  BOOST_TEST(done.callee_gone);
  number = book.open(to({"a"}, ticket::kind::request));
  BOOST_TEST(!book.settle(gone(number, 2), done));
  BOOST_TEST(book.settle(outcome_of(number, 0, outcome::offline, 2), done));
  BOOST_TEST(done.callee_gone);
  number = book.open(to({"a"}, ticket::kind::request));
  BOOST_TEST(book.settle(outcome_of(number, 0, outcome::offline, 1), done));
  BOOST_TEST(!done.callee_gone);
}

BOOST_AUTO_TEST_CASE(what_is_expired_is_taken_out_at_its_time) {
  tickets book;
  ticket out;
  auto late = to({"b"});
  late.expires = start + 6s;
  book.open(std::move(late));
  book.open(to({"a"}));
  BOOST_TEST((book.next_expiry() == start + 5s));
  BOOST_TEST(!book.take_expired(start + 5s - 1ms, out));
  BOOST_TEST(book.take_expired(start + 5s, out));
  BOOST_TEST(out.to.first == "a");
  BOOST_TEST(!book.take_expired(start + 5s, out));
  BOOST_TEST((book.next_expiry() == start + 6s));
}

BOOST_AUTO_TEST_CASE(expired_tickets_come_in_the_order_of_their_times) {
  tickets book;
  ticket out;
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 100; ++i) {
    auto t = to({"a"});
    t.expires = start + std::chrono::milliseconds(i * 37 % 100); // each once
    t.group = static_cast<caf::actor_id>(i % 7);
    numbers.push_back(book.open(std::move(t)));
  }
  for (std::size_t i = 0; i < numbers.size(); i += 3)
    BOOST_TEST(book.take(numbers[i], out)); // in any order
  BOOST_TEST(book.take_of_group(3, out));
  auto left = book.size();
  auto last = start;
  for (; left > 0; --left) {
    BOOST_TEST((book.next_expiry() >= last));
    last = book.next_expiry();
    BOOST_TEST(!book.take_expired(last - 1ms, out));
    BOOST_TEST(book.take_expired(start + 1s, out) != 0);
    BOOST_TEST((out.expires == last));
  }
  BOOST_TEST(book.take_expired(start + 1h, out) == 0);
}

BOOST_AUTO_TEST_CASE(the_tickets_of_a_group_are_taken_out_together) {
  tickets book;
  ticket out;
  auto own = to({"a"});
  own.group = 3;
  book.open(own);
  book.open(own);
  own.group = 4;
  book.open(own);
  book.open(to({"b"})); // of no group
  BOOST_TEST(book.take_of_group(3, out));
  BOOST_TEST(book.take_of_group(3, out));
  BOOST_TEST(!book.take_of_group(3, out));
  BOOST_TEST(book.size() == 2);
}

BOOST_AUTO_TEST_CASE(what_is_owed_adds_up_to_nothing_in_the_end) {
  tickets book;
  ticket out;
  auto waiting = to({"a", std::string(100, 'b')});
  waiting.waits = true;
  auto first = book.open(std::move(waiting));
  auto request = to({"c"}, ticket::kind::request);
  request.waits = true;
  auto second = book.open(std::move(request));
  ticket publication;
  publication.what = ticket::kind::publish;
  auto third = book.open(std::move(publication));
  BOOST_TEST(book.size() == 3);
  BOOST_TEST(book.waiting() == 2);
  BOOST_TEST(book.requests() == 1);
  BOOST_TEST(book.owed_bytes() > 100);
  BOOST_TEST(book.take(first, out));
  BOOST_TEST(!book.take(first, out));
  BOOST_TEST(book.settle(outcome_of(second, 0, outcome::offline), out));
  BOOST_TEST(book.settle(counted(third, 1, 1), out));
  BOOST_TEST(book.size() == 0);
  BOOST_TEST(book.waiting() == 0);
  BOOST_TEST(book.requests() == 0);
  BOOST_TEST(book.owed_bytes() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
