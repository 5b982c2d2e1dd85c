#include "net/address_book.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::net;
using namespace std::chrono_literals;

namespace {

const node_address seed{"seed", 1};
const node_address learnt{"learnt", 2};

struct book {
  address_book addresses{1};
  address_book::time now{};

  std::size_t due() { return addresses.take_due(now).size(); }
  /// Dials and fails until `pause` after the next attempt became possible.
  address_book::duration fails(const node_address& where) {
    addresses.ended(where, now);
    auto next = addresses.next_due();
    BOOST_REQUIRE(next.has_value());
    auto pause = *next - now;
    now = *next;
    BOOST_TEST(due() == 1U);
    return pause;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_address_book)

BOOST_AUTO_TEST_CASE(an_address_is_dialled_at_once_and_by_one_at_a_time) {
  book b;
  b.addresses.add_seed(seed, b.now);
  b.addresses.add_seed(seed, b.now);
  b.addresses.learn(learnt, b.now);
  BOOST_TEST(b.due() == 2U);
  BOOST_TEST(b.due() == 0U);
  BOOST_TEST(!b.addresses.next_due().has_value());
}

BOOST_AUTO_TEST_CASE(pauses_double_up_to_a_bound_with_some_jitter) {
  book b;
  b.addresses.add_seed(seed, b.now);
  BOOST_TEST(b.due() == 1U);
  for (auto least : {50ms, 100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    auto pause = b.fails(seed);
    BOOST_TEST((pause >= least && pause <= least * 5 / 4));
  }
}

BOOST_AUTO_TEST_CASE(what_leads_to_a_linked_node_rests_until_the_link_is_gone) {
  book b;
  b.addresses.add_seed(seed, b.now);
  b.addresses.leads_to(seed, "n1", b.now);
  b.addresses.leads_to(learnt, "n1", b.now);
  b.addresses.linked("n1", b.now);
  b.now += 10s;
  BOOST_TEST(b.due() == 0U);
  BOOST_TEST(!b.addresses.next_due().has_value());
  b.addresses.unlinked("n1", b.now, true);
  BOOST_TEST(b.due() == 2U);
}

BOOST_AUTO_TEST_CASE(a_link_that_does_not_last_is_not_dialled_at_once) {
  book b;
  b.addresses.leads_to(seed, "n1", b.now);
  for (auto least : {50ms, 100ms, 200ms}) {
    b.addresses.linked("n1", b.now);
    b.addresses.unlinked("n1", b.now, false);
    BOOST_TEST(b.due() == 0U);
    BOOST_TEST((*b.addresses.next_due() - b.now >= least));
  }
  b.addresses.unlinked("n1", b.now, true);
  BOOST_TEST(b.due() == 1U);
}

BOOST_AUTO_TEST_CASE(its_own_address_is_seldom_tried) {
  book b;
  b.addresses.add_seed(seed, b.now);
  BOOST_TEST(b.due() == 1U);
  b.addresses.leads_here(seed, b.now);
  b.addresses.ended(seed, b.now);
  BOOST_TEST((*b.addresses.next_due() - b.now >= 60s));
}

BOOST_AUTO_TEST_CASE(only_learnt_addresses_are_forgotten) {
  book b;
  b.addresses.add_seed(seed, b.now);
  b.addresses.learn(learnt, b.now);
  b.now += address_book::kept;
  BOOST_TEST(b.due() == 2U);
  b.addresses.ended(seed, b.now);
  b.addresses.ended(learnt, b.now);
  b.now += 2s;
  BOOST_TEST(b.due() == 1U);
}

BOOST_AUTO_TEST_CASE(the_book_is_bounded) {
  book b;
  for (std::size_t i = 0; i < address_book::addresses_max + 10; ++i)
    b.addresses.learn({"h" + std::to_string(i), 1}, b.now);
  BOOST_TEST(b.due() == address_book::addresses_max);
}

BOOST_AUTO_TEST_SUITE_END()
