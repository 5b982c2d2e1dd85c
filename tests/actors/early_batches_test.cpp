#include "actors/early_batches.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/all.hpp>

using namespace beckon::actors;
using namespace std::chrono_literals;

namespace {

constexpr steady_time start{1h};
const caf::actor_addr hub;
const std::string ten(10, 'x');

} // namespace

BOOST_AUTO_TEST_SUITE(actors_early_batches)

BOOST_AUTO_TEST_CASE(a_link_gets_what_came_over_it_in_order_and_once) {
  early_batches early(100);
  early.keep(hub, 1, "a", start);
  early.keep(hub, 2, "b", start);
  early.keep(hub, 1, "c", start);
  BOOST_TEST((early.take(hub, 1).batches == std::vector<std::string>{"a", "c"}));
  BOOST_TEST(early.take(hub, 1).batches.empty());
  BOOST_TEST((early.take(hub, 2).batches == std::vector<std::string>{"b"}));
}

BOOST_AUTO_TEST_CASE(an_epoch_of_another_hub_is_another_link) {
  caf::actor_system_config config;
  caf::actor_system system(config);
  caf::scoped_actor one(system), other(system);
  early_batches early(100);
  early.keep(one->address(), 1, "a", start);
  BOOST_TEST(early.take(other->address(), 1).batches.empty());
  BOOST_TEST(early.take(one->address(), 1).batches.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_limit_is_of_all_links_and_the_one_beyond_it_loses_all) {
  early_batches early(30);
  early.keep(hub, 1, ten, start);
  early.keep(hub, 2, ten, start);
  early.keep(hub, 2, ten, start); // at the limit
  early.keep(hub, 2, "x", start);
  early.keep(hub, 1, ten, start); // there is room again
  early.keep(hub, 2, "y", start); // but what is lost stays so
  BOOST_TEST(early.take(hub, 1).batches.size() == 2U);
  auto lost = early.take(hub, 2);
  BOOST_TEST(lost.lost);
  BOOST_TEST(lost.batches.empty());
  BOOST_TEST(!early.take(hub, 2).lost);
}

BOOST_AUTO_TEST_CASE(a_link_is_forgotten_once_it_is_silent_and_makes_room) {
  early_batches early(20);
  early.keep(hub, 1, ten, start);
  early.keep(hub, 2, ten, start);
  early.keep(hub, 3, ten, start); // lost
  early.keep(hub, 3, ten, start + 1s);
  early.forget_silent(start - 1ns);
  BOOST_TEST(early.take(hub, 2).batches.size() == 1U);
  early.forget_silent(start);
  BOOST_TEST(early.take(hub, 1).batches.empty());
  BOOST_TEST(early.take(hub, 3).lost);
  early.keep(hub, 1, ten, start);
  early.keep(hub, 1, ten, start);
  BOOST_TEST(!early.take(hub, 1).lost);
}

BOOST_AUTO_TEST_CASE(nobody_was_silent_while_nothing_could_be_heard) {
  early_batches early(20);
  early.keep(hub, 1, ten, start);
  early.hear_all(start + 10s);
  early.forget_silent(start + 9s);
  BOOST_TEST(early.take(hub, 1).batches.size() == 1U);
}

BOOST_AUTO_TEST_CASE(of_too_many_links_the_most_silent_goes) {
  early_batches early(1000);
  for (std::uint64_t epoch = 1; epoch <= early_batches::links_max; ++epoch)
    early.keep(hub, epoch, "x", start + std::chrono::seconds(epoch == 7 ? 0 : epoch));
  early.keep(hub, 1000, "x", start + 1h);
  BOOST_TEST(early.take(hub, 7).batches.empty());
  BOOST_TEST(early.take(hub, 1).batches.size() == 1U);
  BOOST_TEST(early.take(hub, 1000).batches.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
