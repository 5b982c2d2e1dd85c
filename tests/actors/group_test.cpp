#include "actors/group.hpp"

#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace beckon;
using namespace beckon::testing;
using namespace std::chrono_literals;
using protocol::code;
using protocol::session_policy;

namespace {

bool has(const std::string& said, std::string_view part) {
  return said.find(part) != std::string::npos;
}

std::string joined(std::uint64_t id, const std::string& as, int version,
                   const std::string& view = {}, int epoch = 1) {
  return ok(id, "\"as\":\"" + as + "\",\"epoch\":\"" + std::to_string(epoch) +
                    "\",\"offset\":0,\"version\":" + std::to_string(version) +
                    (view.empty() ? "" : "," + view));
}

std::string presence(const std::string& rest) {
  return R"({"type":"presence","group":"g",)" + rest + "}\n";
}

/// One window of presence and a little more.
constexpr auto window = actors::group::presence_window + 20ms;

/// Sessions on two threads, welcomed, in no group.
struct crowd {
  explicit crowd(std::vector<protocol::policy_rule> policies = {},
                 const protocol::limits& bounds = stage::unlimited())
      : node(2, bounds, std::move(policies)) {
    node.settle();
    for (auto* r : {&alice, &bob, &bob_too, &carol})
      r->said();
  }
  void say(recorder& who, const std::string& frame) {
    who.write(frame);
    node.settle();
  }
  void join(recorder& who, const std::string& more = {}) {
    say(who, R"({"type":"join","id":1,"group":"g")" + more + "}");
  }
  stage node;
  recorder alice{node, 0, "alice"}, bob{node, 1, "bob"}, bob_too{node, 0, "bob"},
      carol{node, 1, "carol"};
};

} // namespace

BOOST_AUTO_TEST_SUITE(actors_group)

// ---- presence
// -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_watcher_sees_the_roster_and_then_its_changes) {
  crowd of;
  of.join(of.alice, R"(,"presence":"full")");
  BOOST_TEST(of.alice.said() == joined(1, "alice", 0, R"("members":{"alice":{"sessions":1}})"));
  of.join(of.bob, R"(,"meta":{"b":1})");
  of.join(of.bob_too);
  BOOST_TEST(of.alice.said() == "");
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() == presence(R"("version":1,"joined":{"alice":{"sessions":1},)"
                                         R"("bob":{"meta":{"b":1},"sessions":2}})"));
  of.say(of.bob, R"({"type":"update","group":"g","meta":2})");
  of.bob_too.end();
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() ==
             presence(R"("version":2,"updated":{"bob":{"meta":2,"sessions":1}})"));
  of.say(of.bob, R"({"type":"leave","group":"g"})");
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() == presence(R"("version":3,"left":["bob"])"));
}

BOOST_AUTO_TEST_CASE(versions_go_on_whether_or_not_anybody_watches) {
  crowd of;
  of.join(of.alice);
  of.node.settle_for(window);
  of.join(of.bob);
  of.node.settle_for(window);
  of.join(of.carol, R"(,"presence":"full")");
  BOOST_TEST(
      of.carol.said() ==
      joined(1, "carol", 2,
             R"("members":{"alice":{"sessions":1},"bob":{"sessions":1},"carol":{"sessions":1}})"));
}

BOOST_AUTO_TEST_CASE(what_was_pending_for_others_comes_in_the_next_version) {
  crowd of;
  of.join(of.alice);
  of.node.settle_for(window);
  of.join(of.bob);
  of.say(of.alice, R"({"type":"leave","group":"g"})");
  of.join(of.carol, R"(,"presence":"full")");
  BOOST_TEST(of.carol.said() ==
             joined(1, "carol", 1, R"("members":{"alice":{"sessions":1},"carol":{"sessions":1}})"));
  of.node.settle_for(window);
  BOOST_TEST(
      of.carol.said() ==
      presence(
          R"("version":2,"joined":{"bob":{"sessions":1},"carol":{"sessions":1}},"left":["alice"])"));
}

BOOST_AUTO_TEST_CASE(changes_are_gathered_for_one_window) {
  crowd of;
  of.join(of.alice, R"(,"presence":"full")");
  of.node.settle_for(window);
  of.alice.said();
  of.join(of.bob);
  of.node.pass(actors::group::presence_window - 1ms);
  of.node.settle();
  BOOST_TEST(of.alice.said() == "");
  of.node.pass(1ms);
  of.node.settle();
  BOOST_TEST(of.alice.said() == presence(R"("version":2,"joined":{"bob":{"sessions":1}})"));
}

BOOST_AUTO_TEST_CASE(an_update_can_ask_for_the_roster_and_end_it) {
  crowd of;
  of.join(of.alice);
  of.join(of.bob);
  of.node.settle_for(window);
  of.alice.said();
  of.say(of.alice, R"({"type":"update","id":2,"group":"g","presence":"full"})");
  BOOST_TEST(of.alice.said() ==
             ok(2, R"("version":1,"members":{"alice":{"sessions":1},"bob":{"sessions":1}})"));
  of.say(of.alice, R"({"type":"update","id":3,"group":"g","meta":1})");
  BOOST_TEST(of.alice.said() == ok(3, R"("version":1)"));
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() ==
             presence(R"("version":2,"updated":{"alice":{"meta":1,"sessions":1}})"));
  of.say(of.alice, R"({"type":"update","id":4,"group":"g","presence":"none"})");
  BOOST_TEST(of.alice.said() == ok(4, R"("version":2)"));
  of.join(of.carol);
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() == "");
}

BOOST_AUTO_TEST_CASE(a_watcher_is_told_when_its_own_member_changes_back) {
  crowd of;
  of.join(of.bob);
  of.node.settle_for(window);
  of.join(of.bob_too, R"(,"presence":"full")");
  BOOST_TEST(of.bob_too.said() == joined(1, "bob", 1, R"("members":{"bob":{"sessions":2}})"));
  of.say(of.bob, R"({"type":"leave","group":"g"})");
  of.node.settle_for(window);
  BOOST_TEST(of.bob_too.said() == presence(R"("version":2,"updated":{"bob":{"sessions":1}})"));
}

BOOST_AUTO_TEST_CASE(a_count_comes_only_to_those_who_asked_for_it) {
  crowd of;
  of.join(of.alice, R"(,"presence":"count")");
  of.join(of.bob, R"(,"presence":"full")");
  BOOST_TEST(of.alice.said() == joined(1, "alice", 0, "\"count\":1"));
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() == presence("\"count\":2"));
  BOOST_TEST(!has(of.bob.said(), "count"));
  of.join(of.bob_too); // another session, no other member
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() == "");
  of.bob.end();
  of.bob_too.end();
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() == presence("\"count\":1"));
}

BOOST_AUTO_TEST_CASE(a_count_that_changes_back_is_told_to_whom_it_was_shown) {
  crowd of;
  of.join(of.alice);
  of.node.settle_for(window);
  of.join(of.bob, R"(,"presence":"count")");
  BOOST_TEST(of.bob.said() == joined(1, "bob", 1, "\"count\":2"));
  of.say(of.alice, R"({"type":"leave","group":"g"})");
  of.node.settle_for(window);
  BOOST_TEST(of.bob.said() == presence("\"count\":1"));
}

BOOST_AUTO_TEST_CASE(a_roster_is_read_in_pages) {
  crowd of;
  of.node.node.bounds.roster_page_members_max = 2;
  of.join(of.alice);
  of.join(of.bob);
  of.join(of.carol);
  of.node.settle_for(window);
  of.alice.said();
  of.say(of.alice, R"({"type":"roster","id":2,"group":"g"})");
  BOOST_TEST(
      of.alice.said() ==
      ok(2, R"("version":1,"members":{"alice":{"sessions":1},"bob":{"sessions":1}},"next":"bob")"));
  of.say(of.alice, R"({"type":"roster","id":3,"group":"g","after":"bob"})");
  BOOST_TEST(of.alice.said() == ok(3, R"("version":1,"members":{"carol":{"sessions":1}})"));
  of.say(of.alice, R"({"type":"roster","id":4,"group":"g","limit":1})");
  BOOST_TEST(of.alice.said() ==
             ok(4, R"("version":1,"members":{"alice":{"sessions":1}},"next":"alice")"));
  of.say(of.alice, R"({"type":"roster","id":5,"group":"g","limit":500})");
  BOOST_TEST(has(of.alice.said(), "\"next\":\"bob\""));
}

// ---- policies
// -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(by_default_every_session_of_a_member_is_reached) {
  crowd of;
  of.join(of.bob);
  of.join(of.bob_too);
  of.join(of.alice);
  of.bob.said(), of.bob_too.said(), of.alice.said();
  of.say(of.alice, R"({"type":"send","id":2,"group":"g","to":"bob","data":1})");
  BOOST_TEST(of.alice.said() == ok(2));
  BOOST_TEST(of.bob.said() == delivery("direct", R"("group":"g","from":"alice")", "1"));
  BOOST_TEST(of.bob_too.said() == delivery("direct", R"("group":"g","from":"alice")", "1"));
}

BOOST_AUTO_TEST_CASE(the_newest_session_replaces_the_old_one) {
  crowd of({{"g", session_policy::replace}});
  of.join(of.alice, R"(,"presence":"full")");
  of.join(of.bob, R"(,"meta":1)");
  of.node.settle_for(window);
  of.alice.said(), of.bob.said();
  of.join(of.bob_too);
  BOOST_TEST(of.bob.said() == left("g", "replaced"));
  BOOST_TEST(of.bob_too.said() == joined(1, "bob", 1));
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() == ""); // nobody sees a leave or a join
  of.say(of.alice, R"({"type":"send","id":2,"group":"g","to":"bob","data":1})");
  BOOST_TEST(of.bob.said() == "");
  BOOST_TEST(has(of.bob_too.said(), "\"data\":1"));
  of.bob.end(); // late, and it is not the member any more
  of.node.settle_for(window);
  BOOST_TEST(of.alice.said() == ok(2));
  of.say(of.alice, R"({"type":"send","id":3,"group":"g","to":"bob","data":1})");
  BOOST_TEST(of.alice.said() == ok(3));
}

BOOST_AUTO_TEST_CASE(who_was_replaced_is_answered_by_a_group_that_has_ended) {
  crowd of({{"g", session_policy::replace}});
  of.join(of.bob);
  of.bob.said();
  auto slow = of.node.node.homes[1]->relay_handle; // bob does not hear yet that he was replaced
  of.bob_too.write(R"({"type":"join","group":"g"})");
  of.node.settle_without(slow);
  of.bob_too.write(R"({"type":"leave","group":"g"})");
  of.node.settle_without(slow);
  BOOST_TEST(of.node.sum(&actors::counters::groups) == 0);
  of.bob.write(R"({"type":"send","id":2,"group":"g","to":"alice","data":1})");
  of.bob.write(R"({"type":"request","id":3,"group":"g","to":"alice","data":1})");
  of.bob.write(R"({"type":"publish","id":4,"group":"g","data":1})");
  of.bob.write(R"({"type":"update","id":5,"group":"g","meta":1})");
  of.node.settle();
  auto offline = [](std::uint64_t id) {
    return error(id, code::not_delivered, R"("outcomes":{"alice":"offline"})");
  };
  BOOST_TEST(of.bob.said() == left("g", "replaced") + error(5, code::not_member) + offline(2) +
                                  offline(3) + ok(4, "\"count\":0"));
  of.node.settle_for(window);
  BOOST_TEST(!of.node.group_named("g"));
}

BOOST_AUTO_TEST_CASE(a_session_may_join_again_without_replacing_itself) {
  crowd of({{"g", session_policy::replace}, {"h", session_policy::reject}});
  of.join(of.bob);
  of.join(of.bob);
  BOOST_TEST(of.bob.said() == joined(1, "bob", 0) + joined(1, "bob", 0));
  of.say(of.bob, R"({"type":"join","id":2,"group":"h"})");
  of.say(of.bob, R"({"type":"join","id":3,"group":"h"})");
  BOOST_TEST(of.bob.said() == joined(2, "bob", 0, {}, 2) + joined(3, "bob", 0, {}, 2));
}

BOOST_AUTO_TEST_CASE(a_newcomer_is_rejected_while_the_member_is_there) {
  crowd of({{"g", session_policy::reject}});
  of.join(of.bob);
  of.join(of.bob_too);
  BOOST_TEST(of.bob_too.said() == error(1, code::exists));
  of.bob.end();
  of.node.settle();
  of.join(of.bob_too);
  BOOST_TEST(of.bob_too.said() == joined(1, "bob", 0, {}, 2));
}

// ---- limits
// ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(members_of_a_group_are_bounded) {
  auto bounds = stage::unlimited();
  bounds.members_per_group_max = 2;
  crowd of({}, bounds);
  of.join(of.alice);
  of.join(of.bob);
  of.join(of.carol);
  BOOST_TEST(of.carol.said() == error(1, code::too_many));
  of.join(of.bob_too); // no other member
  BOOST_TEST(of.bob_too.said() == joined(1, "bob", 0));
  of.alice.end();
  of.node.settle();
  of.join(of.carol);
  BOOST_TEST(of.carol.said() == joined(1, "carol", 0));
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_while_its_join_is_on_the_way_leaves_no_ghost) {
  crowd of;
  of.join(of.alice);
  of.bob.write(R"({"type":"join","id":1,"group":"g"})");
  of.bob.end();
  // Its death is over before the group hears of the join.
  of.node.settle_without(of.node.node.directory_of("g"));
  of.node.settle_for(window);
  of.alice.said();
  of.say(of.alice, R"({"type":"roster","id":2,"group":"g"})");
  BOOST_TEST(of.alice.said() == ok(2, R"("version":1,"members":{"alice":{"sessions":1}})"));
}

BOOST_AUTO_TEST_CASE(a_failed_group_takes_its_members_out_of_the_gauges) {
  crowd of;
  of.join(of.alice);
  of.join(of.bob);
  BOOST_TEST(of.node.sum(&actors::counters::members) == 2);
  of.node.kill_group("g");
  of.node.settle();
  BOOST_TEST(of.node.sum(&actors::counters::members) == 0);
  BOOST_TEST(of.node.sum(&actors::counters::groups) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
