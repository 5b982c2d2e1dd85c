#include "actors/home.hpp"

#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <set>

using namespace beckon;
using namespace beckon::actors;
using namespace beckon::testing;

namespace {

/// The table never looks into a session, so any address stands for one.
session& stand_in(std::max_align_t& who) {
  return reinterpret_cast<session&>(who);
}

/// A home by itself, without a thread.
struct fixture {
  node_state shared;
  home place{shared, 3, steady_time{std::chrono::hours{1}}};
  std::max_align_t one, two;
};

} // namespace

BOOST_AUTO_TEST_SUITE(actors_home)

BOOST_FIXTURE_TEST_CASE(a_session_is_found_at_its_address_only, fixture) {
  auto first = place.add(stand_in(one));
  auto second = place.add(stand_in(two));
  BOOST_TEST(first.home == 3);
  BOOST_TEST(place.find(first.slot, first.generation) == &stand_in(one));
  BOOST_TEST(place.find(second.slot, second.generation) == &stand_in(two));
  BOOST_TEST(place.find(first.slot, first.generation + 1) == nullptr);
  BOOST_TEST(place.find(99, 1) == nullptr);
  BOOST_TEST(place.find(first.slot, 0) == nullptr); // nobody's
}

BOOST_FIXTURE_TEST_CASE(who_takes_a_place_is_not_who_had_it_before, fixture) {
  auto first = place.add(stand_in(one));
  place.remove(first);
  BOOST_TEST(place.find(first.slot, first.generation) == nullptr);
  auto second = place.add(stand_in(two));
  BOOST_TEST(second.slot == first.slot); // the table does not grow
  BOOST_TEST((second != first));
  BOOST_TEST(place.find(first.slot, first.generation) == nullptr);
  BOOST_TEST(place.find(second.slot, second.generation) == &stand_in(two));
}

BOOST_FIXTURE_TEST_CASE(each_session_is_visited_once, fixture) {
  auto first = place.add(stand_in(one));
  place.add(stand_in(two));
  auto visited = [&] {
    std::set<session*> all;
    place.for_each_session([&](session& s) { BOOST_TEST(all.insert(&s).second); });
    return all;
  };
  BOOST_TEST(visited().size() == 2);
  place.remove(first);
  BOOST_TEST((visited() == std::set{&stand_in(two)}));
}

BOOST_FIXTURE_TEST_CASE(numbers_are_of_one_home_and_of_one_use, fixture) {
  home other(shared, 4, steady_time{});
  std::set<std::uint64_t> all;
  for (int i = 0; i < 1000; ++i) {
    BOOST_TEST(all.insert(place.next_number()).second);
    BOOST_TEST(all.insert(other.next_number()).second);
  }
  BOOST_TEST(*all.begin() > 0); // 0 is no number
  BOOST_TEST(*all.rbegin() < std::uint64_t{1} << 53);
}

BOOST_AUTO_TEST_CASE(what_is_settled_is_told_at_the_end_of_the_turn) {
  stage node(2);
  recorder alice(node, 0, "alice", {"g"});
  node.settle();
  alice.said();
  alice.write(
      R"({"type":"send","id":1,"session":"nobody","data":1})"); // known without asking anybody
  auto& here = *node.node.homes[0];
  BOOST_TEST(alice.said() == "");
  BOOST_TEST(here.owes());
  node.end_turn(0);
  BOOST_TEST(!here.owes());
  BOOST_TEST(!alice.said().empty());
}

BOOST_AUTO_TEST_CASE(what_is_settled_for_another_home_goes_there) {
  stage node(2);
  recorder alice(node, 0, "alice", {"g"});
  node.settle();
  alice.said();
  alice.write(R"({"type":"send","id":1,"to":"nobody","data":1})");
  while (node.jobs() > 0)
    node.run(0, 0);
  auto& there = node.enter(1);
  auto [ticket, to] = std::pair(1u, session_address{0, 1, 0});
  there.settle({.to = to, .ticket = ticket, .result = protocol::outcome::denied});
  BOOST_TEST(there.owes());
  node.end_turn(1);
  BOOST_TEST(!there.owes());
  BOOST_TEST(alice.said() == "");
  while (node.jobs() > 0) // the relay of home 0
    node.run(0, 0);
  BOOST_TEST(alice.said().find(R"("outcomes":{"nobody":"denied"})") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
