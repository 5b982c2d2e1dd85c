#include "actors/group.hpp"

#include "actors/presence.hpp"
#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

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
constexpr auto window = actors::presence_window_min + 20ms;

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
  of.node.pass(actors::presence_window_min - 1ms);
  of.node.settle();
  BOOST_TEST(of.alice.said() == "");
  of.node.pass(1ms);
  of.node.settle();
  BOOST_TEST(of.alice.said() == presence(R"("version":2,"joined":{"bob":{"sessions":1}})"));
}

/// So many sessions that watch, half of them the count alone; all that they were told is read.
struct watched {
  explicit watched(int watchers) {
    for (int i = 0; i < watchers; ++i) {
      auto& one = sessions.emplace_back(std::make_unique<recorder>(
          of.node, static_cast<std::size_t>(i % 2), "w" + std::to_string(i)));
      of.join(*one, i % 4 < 2 ? R"(,"presence":"full")" : R"(,"presence":"count")");
    }
    of.node.settle_for(actors::presence_window_max);
    for (auto& one : sessions)
      one->said();
  }
  /// @returns what the first one was told in that time; all others, as the half that they are in
  std::string settle_for(std::chrono::milliseconds time) {
    of.node.pass(time);
    of.node.settle();
    auto full = sessions[0]->said(), count = sessions[2]->said();
    for (std::size_t i = 3; i < sessions.size(); ++i)
      BOOST_REQUIRE(sessions[i]->said() == (i % 4 < 2 ? full : count));
    return full + count;
  }
  crowd of;
  std::vector<std::unique_ptr<recorder>> sessions;
};

BOOST_AUTO_TEST_CASE(many_watchers_get_one_frame_in_a_longer_window) {
  constexpr auto hundred = 100ms; // of 1,000 watchers
  watched group(1'000);
  auto& of = group.of;
  of.join(of.alice);
  std::string told;
  for (auto passed = 0ms; passed < hundred - 1ms; passed += 3ms) {
    of.say(of.alice,
           R"({"type":"update","group":"g","meta":)" + std::to_string(passed.count()) + "}");
    told += group.settle_for(3ms);
  }
  BOOST_TEST(told == "");
  of.say(of.alice, R"({"type":"roster","id":9,"group":"g","limit":1})");
  of.alice.said();
  told = group.settle_for(1ms);
  BOOST_TEST(std::count(told.begin(), told.end(), '\n') == 2);
  BOOST_TEST(has(told, R"("joined":{"alice":{"meta":96,"sessions":1}})"));
  BOOST_TEST(has(told, "\"count\":1001"));
  BOOST_TEST(has(of.alice.said(), R"("id":9,"version":)")); // the roster waited for it
}

BOOST_AUTO_TEST_CASE(a_window_ends_before_its_time_once_its_frame_is_full) {
  watched group(1'000);
  auto& of = group.of;
  auto meta = '"' + std::string(1'000, 'm') + '"';
  std::vector<std::unique_ptr<recorder>> newcomers;
  while (newcomers.size() < 60) { // of 1 KiB each: more than a frame
    auto& one = newcomers.emplace_back(
        std::make_unique<recorder>(of.node, 0, "n" + std::to_string(newcomers.size())));
    of.join(*one, ",\"meta\":" + meta);
    BOOST_TEST(group.settle_for(0ms) == "");
  }
  BOOST_TEST(group.settle_for(49ms) == ""); // however much comes: no more than 20 times a second
  auto told = group.settle_for(1ms);
  BOOST_TEST(std::count(told.begin(), told.end(), '\n') == 3); // two frames and the number
  BOOST_TEST(group.settle_for(50ms) == "");                    // the window's own end
  of.join(of.alice); // in the next window, which has all its time
  BOOST_TEST(group.settle_for(99ms) == "");
  BOOST_TEST(has(group.settle_for(1ms), R"("joined":{"alice":{"sessions":1}})"));
}

BOOST_AUTO_TEST_CASE(a_number_keeps_to_its_window_however_much_changes) {
  crowd of;
  std::vector<std::unique_ptr<recorder>> watchers, newcomers;
  auto come = [&](auto& list, const char* name, const std::string& how) {
    auto& one = list.emplace_back(
        std::make_unique<recorder>(of.node, 0, name + std::to_string(list.size())));
    of.join(*one, how);
  };
  for (int i = 0; i < 1'000; ++i)
    come(watchers, "w", R"(,"presence":"count")");
  of.node.settle_for(actors::presence_window_max);
  watchers.front()->said();
  for (int i = 0; i < 60; ++i)
    come(newcomers, "n", ",\"meta\":\"" + std::string(1'000, 'm') + '"');
  of.node.pass(99ms); // of 100
  of.node.settle();
  BOOST_TEST(watchers.front()->said() == "");
  of.node.settle_for(1ms);
  BOOST_TEST(has(watchers.front()->said(), R"("count":1060)"));
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

BOOST_AUTO_TEST_CASE(who_loses_its_seat_by_a_join_that_is_refused_is_told_of) {
  crowd of({{"g", session_policy::reject}});
  actors::identity who{"dave", {"chair"}, false, {}};
  recorder dave(of.node, 0, actors::greeting{who, {}}), dave_too(of.node, 1, "dave");
  of.join(of.bob, R"(,"presence":"full")");
  of.join(dave_too);
  auto slow = of.node.node.homes[0]->relay_handle;
  dave.write(R"({"type":"join","id":1,"group":"g","as":"chair"})");
  of.node.settle_without(slow); // dave gives it up before he hears that he is in
  of.node.pass(5s);
  of.node.fire(0);
  of.say(dave, R"({"type":"join","id":2,"group":"g"})");
  BOOST_TEST(has(dave.said(), error(2, code::exists)));
  of.say(of.bob, R"({"type":"roster","id":3,"group":"g"})");
  of.node.settle_for(window);
  auto said = of.bob.said();
  BOOST_TEST(has(said, R"("left":["chair"])"));
  BOOST_TEST(
      has(said, R"("id":3,"version":2,"members":{"bob":{"sessions":1},"dave":{"sessions":1}})"));
}

// ---- publications
// ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(interest_that_comes_and_goes_is_followed) {
  crowd of;
  for (auto* r : {&of.alice, &of.bob, &of.bob_too, &of.carol})
    of.join(*r);
  auto count = [&](const std::string& more = {}) {
    of.alice.said();
    of.say(of.alice, R"({"type":"publish","id":2,"group":"g","data":1)" + more + "}");
    return of.alice.said();
  };
  BOOST_TEST(count() == ok(2, "\"count\":3"));
  of.say(of.bob, R"({"type":"update","group":"g","interest":"direct"})");
  BOOST_TEST(count() == ok(2, "\"count\":2"));
  of.say(of.bob, R"({"type":"update","group":"g","interest":"full"})");
  of.say(of.carol, R"({"type":"leave","group":"g"})");
  BOOST_TEST(count() == ok(2, "\"count\":2"));
  BOOST_TEST(count(R"(,"except":["bob","bob","carol","nobody"])") == ok(2, "\"count\":0"));
  BOOST_TEST(has(count(R"(,"except":["bob"],"echo":true)"), "\"count\":1"));
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
