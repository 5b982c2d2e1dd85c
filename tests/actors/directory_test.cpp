#include "actors/directory.hpp"

#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon;
using namespace beckon::testing;
using namespace std::chrono_literals;

namespace {

std::string joined(std::uint64_t id, const std::string& as, int epoch) {
  return ok(id, "\"as\":\"" + as + "\",\"epoch\":\"" + std::to_string(epoch) +
                    "\",\"offset\":0,\"version\":0");
}

struct fixture {
  fixture() {
    node.settle();
    alice.said(), bob.said();
  }
  void say(recorder& who, const std::string& frame) {
    who.write(frame);
    node.settle();
  }
  stage node{2};
  recorder alice{node, 0, "alice"}, bob{node, 1, "bob"};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(actors_directory, fixture)

BOOST_AUTO_TEST_CASE(a_group_is_made_once_and_ends_when_it_is_empty) {
  say(alice, R"({"type":"join","id":1,"group":"g"})");
  auto group = node.group_named("g");
  say(bob, R"({"type":"join","id":1,"group":"g"})");
  BOOST_TEST((node.group_named("g") == group));
  BOOST_TEST(node.sum(&actors::counters::groups) == 1);
  say(alice, R"({"type":"leave","id":2,"group":"g"})");
  BOOST_TEST(node.sum(&actors::counters::groups) == 1);
  say(bob, R"({"type":"leave","id":2,"group":"g"})");
  BOOST_TEST(node.sum(&actors::counters::groups) == 0);
  BOOST_TEST(node.node.groups == 0);
  group = nullptr;
  node.settle_for(100ms); // its last alarm kept it
  BOOST_TEST(!node.group_named("g"));
  say(bob, R"({"type":"join","id":3,"group":"g"})");
  BOOST_TEST(bob.said() == joined(1, "bob", 1) + ok(2) + joined(3, "bob", 2));
}

BOOST_AUTO_TEST_CASE(a_join_that_is_on_its_way_keeps_the_group) {
  auto directory = node.node.directory_of("g");
  say(alice, R"({"type":"join","id":1,"group":"g"})");
  auto group = node.group_named("g");
  // Bob's join has passed the directory when the group becomes empty and asks to end.
  bob.write(R"({"type":"join","id":1,"group":"g"})");
  node.settle_without(group);
  alice.write(R"({"type":"leave","id":2,"group":"g"})");
  node.settle();
  BOOST_TEST(bob.said() == joined(1, "bob", 1));
  // Carol's has not: she gets a new group.
  recorder carol(node, 0, "carol");
  node.settle();
  carol.said();
  bob.write(R"({"type":"leave","id":2,"group":"g"})");
  node.settle_without(directory); // the question whether it may end waits there
  carol.write(R"({"type":"join","id":1,"group":"g"})");
  node.settle();
  BOOST_TEST(carol.said() == joined(1, "carol", 2));
  BOOST_TEST(node.sum(&actors::counters::groups) == 1);
  carol.end();
  node.settle();
  BOOST_TEST(node.sum(&actors::counters::groups) == 0);
}

BOOST_AUTO_TEST_CASE(a_join_and_a_leave_that_cross_keep_one_group_in_every_order) {
  for (int order = 0; order < 64; ++order) {
    stage place(2);
    recorder one(place, 0, "one", {"g"}), two(place, 1, "two");
    place.settle();
    two.said();
    one.write(R"({"type":"leave","group":"g"})");
    two.write(R"({"type":"join","id":1,"group":"g"})");
    for (int bit = 0; place.jobs() > 0; ++bit)
      place.run((order >> bit % 6 & 1) % place.jobs(), 0);
    place.settle();
    auto said = two.said();
    BOOST_TEST((said == joined(1, "two", 1) || said == joined(1, "two", 2)));
    two.write(R"({"type":"send","id":2,"group":"g","to":"two","data":1})");
    place.settle();
    BOOST_TEST(two.said() == delivery("direct", R"("group":"g","from":"two")", "1") + ok(2));
    BOOST_TEST(place.sum(&actors::counters::groups) == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_group_that_fails_is_forgotten) {
  say(alice, R"({"type":"join","id":1,"group":"g"})");
  node.kill_group("g");
  node.settle();
  BOOST_TEST(node.node.groups == 0);
  say(bob, R"({"type":"join","id":1,"group":"g"})");
  BOOST_TEST(bob.said() == joined(1, "bob", 2));
  BOOST_TEST(node.sum(&actors::counters::groups) == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_group_that_fails_before_it_ends_is_counted_once) {
  auto directory = node.node.directory_of("g");
  say(alice, R"({"type":"join","id":1,"group":"g"})");
  alice.write(R"({"type":"leave","id":2,"group":"g"})");
  node.settle_without(directory); // it has asked to end
  node.kill_group("g");
  node.settle_without(directory);
  node.settle();
  BOOST_TEST(node.node.groups == 0);
  BOOST_TEST(node.sum(&actors::counters::groups) == 0);
}

BOOST_AUTO_TEST_CASE(groups_of_a_node_are_bounded) {
  node.node.bounds.groups_per_node_max = 2;
  say(alice, R"({"type":"join","id":1,"group":"a"})");
  say(alice, R"({"type":"join","id":2,"group":"b"})");
  say(alice, R"({"type":"join","id":3,"group":"c"})");
  BOOST_TEST(alice.said() ==
             joined(1, "alice", 1) + joined(2, "alice", 2) + error(3, protocol::code::too_many));
  say(bob, R"({"type":"join","id":1,"group":"b"})");
  BOOST_TEST(bob.said() == joined(1, "bob", 2));
  say(alice, R"({"type":"leave","id":4,"group":"a"})");
  say(alice, R"({"type":"join","id":5,"group":"c"})");
  BOOST_TEST(alice.said() == ok(4) + joined(5, "alice", 3));
}

BOOST_AUTO_TEST_SUITE_END()
