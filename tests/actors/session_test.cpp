#include "actors/session.hpp"

#include "actors/group.hpp"
#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <boost/test/unit_test.hpp>
#include <new>
#include <string>

using namespace beckon;
using namespace beckon::testing;
using namespace std::chrono_literals;
using protocol::close_code;
using protocol::code;

namespace {

/// Alice and bob, on two threads, both in the group `g`, which is the default of each.
struct meeting {
  explicit meeting(const protocol::limits& bounds = stage::unlimited(),
                   std::vector<protocol::policy_rule> policies = {})
      : node(2, bounds, std::move(policies)) {
    settle();
  }
  /// Everything happens; what was said until then is forgotten.
  void settle() {
    node.settle();
    alice.said();
    bob.said();
  }
  stage node;
  recorder alice{node, 0, "alice", {"g"}};
  recorder bob{node, 1, "bob", {"g"}};
};

/// The default limits but for one.
template <class T>
protocol::limits with(T protocol::limits::*which, T value) {
  auto bounds = stage::unlimited();
  bounds.*which = value;
  return bounds;
}

bool has(const std::string& said, std::string_view part) {
  return said.find(part) != std::string::npos;
}

std::string name_of(recorder& session) {
  auto welcome = session.said();
  auto start = welcome.find("\"session\":\"") + 11;
  return welcome.substr(start, welcome.find('"', start) - start);
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_session)

// ---- beginning
// ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_groups_of_the_url_are_joined_before_the_welcome) {
  stage node;
  recorder alice(node, 0, "alice", {"g", "h", "g"});
  BOOST_TEST(alice.is_authenticated());
  node.settle();
  auto said = alice.said();
  BOOST_TEST(has(said, R"("user":"alice")"));
  BOOST_TEST(
      has(said,
          R"("groups":{"g":{"as":"alice","version":0,"epoch":"1","offset":0},"h":{"as":"alice",)"));
  alice.write(R"({"type":"publish","id":1,"group":"h","data":1})");
  node.settle();
  BOOST_TEST(alice.said() == ok(1, "\"count\":0"));
}

BOOST_AUTO_TEST_CASE(the_only_group_of_the_url_is_the_default) {
  stage node;
  recorder one(node, 0, "one", {"g"}), two(node, 0, "two", {"g", "h"});
  node.settle();
  one.said(), two.said();
  one.write(R"({"type":"publish","id":1,"data":1})");
  two.write(R"({"type":"publish","id":1,"data":1})");
  node.settle();
  BOOST_TEST(one.said() == ok(1, "\"count\":1"));
  BOOST_TEST(
      has(two.said(), R"("id":1,"code":"bad_request","message":"bad value of field 'group'")"));
}

BOOST_AUTO_TEST_CASE(a_group_of_the_url_that_cannot_be_joined_ends_the_connection) {
  stage node(1, stage::unlimited(), {{"g", protocol::session_policy::reject}});
  recorder first(node, 0, "alice", {"g"}), second(node, 0, "alice", {"h", "g"});
  node.settle();
  BOOST_TEST(!first.closed());
  BOOST_TEST((second.closed() == close_code::denied));
  BOOST_TEST(has(second.said(), R"({"type":"bye","code":"exists")"));
}

BOOST_AUTO_TEST_CASE(a_url_may_name_as_many_groups_as_a_session_may_have) {
  stage node(1, with(&protocol::limits::groups_per_session_max, std::size_t{2}));
  recorder below(node, 0, "a", {"g"}), at(node, 0, "b", {"g", "h"}),
      above(node, 0, "c", {"g", "h", "i"});
  node.settle();
  BOOST_TEST(!below.closed());
  BOOST_TEST(!at.closed());
  BOOST_TEST((above.closed() == close_code::denied));
  BOOST_TEST(has(above.said(), R"("code":"too_many")"));
}

BOOST_AUTO_TEST_CASE(a_bad_group_of_the_url_is_told) {
  stage node;
  recorder alice(node, 0, "alice", {"$g"});
  node.settle();
  BOOST_TEST((alice.closed() == close_code::denied));
  BOOST_TEST(has(alice.said(), R"("code":"bad_request")"));
}

BOOST_AUTO_TEST_CASE(who_says_nothing_is_closed_after_the_time_to_authenticate) {
  stage node;
  recorder quiet(node, 0, actors::greeting{});
  node.settle_for(4980ms);
  BOOST_TEST(!quiet.closed());
  node.settle_for(20ms);
  BOOST_TEST((quiet.closed() == close_code::auth_timeout));
}

BOOST_AUTO_TEST_CASE(a_hello_with_a_token_authenticates_and_any_other_frame_is_refused) {
  stage node;
  node.node.verify = [](std::string_view token) -> std::optional<actors::identity> {
    if (token != "good")
      return std::nullopt;
    return actors::identity{"alice", {}, false, {}};
  };
  recorder alice(node, 0, actors::greeting{{}, {"g"}}), mallory(node, 0, actors::greeting{});
  alice.write(R"({"type":"ping"})");
  BOOST_TEST(alice.said() == error(0, code::unauthenticated));
  alice.write(R"({"type":"hello","id":1})");
  BOOST_TEST(alice.said() == error(1, code::unauthenticated));
  BOOST_TEST(!alice.is_authenticated());
  alice.write(R"({"type":"hello","id":2,"token":"good","batch":true})");
  BOOST_TEST(alice.is_authenticated());
  BOOST_TEST(alice.batches());
  node.settle();
  BOOST_TEST(has(alice.said(), R"({"type":"welcome")"));
  alice.write(R"({"type":"hello","id":3,"token":"good"})");
  BOOST_TEST(alice.said() == error(3, code::already_authenticated));
  alice.write(R"({"type":"hello","id":4})");
  BOOST_TEST(alice.said() == error(4, code::already_authenticated));
  mallory.write(R"({"type":"hello","id":1,"token":"bad"})");
  BOOST_TEST((mallory.closed() == close_code::invalid_token));
  node.settle_for(6s);
  BOOST_TEST(!alice.closed());
}

BOOST_AUTO_TEST_CASE(one_hello_without_a_token_may_follow_the_upgrade) {
  stage node;
  recorder alice(node, 0, "alice");
  alice.write(R"({"type":"hello","id":1,"batch":true})"); // before its welcome: it waits
  BOOST_TEST(alice.said() == "");
  node.settle();
  auto said = alice.said();
  BOOST_TEST(said.starts_with(R"({"type":"welcome")"));
  BOOST_TEST(said.ends_with(ok(1)));
  BOOST_TEST(alice.batches());
  alice.write(R"({"type":"hello","id":2})");
  BOOST_TEST(alice.said() == error(2, code::already_authenticated));
}

/// Bob's session waits for his second group, as long as its directory is slow.
struct opening {
  explicit opening(const protocol::limits& bounds = stage::unlimited(),
                   std::vector<protocol::policy_rule> policies = {})
      : node(2, bounds, std::move(policies)), slow(node.node.directory_of("slow")) {
    BOOST_REQUIRE(slow != node.node.directory_of("g"));
    node.settle();
    alice.said();
    bob.emplace(node, 1, "bob", std::vector<std::string>{"g", "slow"});
    node.settle_without(slow);
    BOOST_TEST(bob->said() == "");
  }
  stage node;
  caf::actor slow;
  recorder alice{node, 0, "alice", {"g"}};
  std::optional<recorder> bob;
};

BOOST_AUTO_TEST_CASE(deliveries_wait_for_the_welcome) {
  opening of;
  of.alice.write(R"({"type":"send","id":1,"to":"bob","data":1})");
  of.alice.write(R"({"type":"publish","id":2,"data":2})");
  of.alice.write(R"({"type":"send","to":"bob","data":3})");
  of.node.settle_without(of.slow);
  BOOST_TEST(of.bob->said() == "");
  BOOST_TEST(of.alice.said() ==
             ok(2, "\"count\":1")); // the queue that took it is the one before the welcome
  of.node.settle();
  auto said = of.bob->said();
  auto end = said.find('\n') + 1;
  BOOST_TEST(said.starts_with(R"({"type":"welcome")"));
  BOOST_TEST(said.substr(end) == delivery("direct", R"("group":"g","from":"alice")", "1") +
                                     delivery("message", R"("group":"g","from":"alice")", "2") +
                                     delivery("direct", R"("group":"g","from":"alice")", "3"));
  BOOST_TEST(of.alice.said() == ok(1));
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_before_its_welcome_was_offline) {
  opening of;
  of.alice.write(R"({"type":"send","id":1,"to":"bob","data":1})");
  of.node.settle_without(of.slow);
  of.bob->end();
  of.node.settle();
  BOOST_TEST(of.alice.said() == error(1, code::not_delivered, R"("outcomes":{"bob":"offline"})"));
}

BOOST_AUTO_TEST_CASE(a_session_that_is_closed_before_its_welcome_is_offline) {
  opening of;
  of.node.settle_for(0ms);
  recorder eve(of.node, 1, "eve", {"g", "$"});
  of.node.settle();
  BOOST_TEST(eve.closed().has_value());
  of.alice.said();
  of.alice.write(R"({"type":"send","id":1,"user":"eve","data":1})");
  of.node.settle();
  BOOST_TEST(of.alice.said() == error(1, code::not_delivered, R"("outcomes":{"eve":"offline"})"));
}

BOOST_AUTO_TEST_CASE(what_waits_for_the_welcome_is_bounded_like_the_queue) {
  opening of(with(&protocol::limits::outbound_bytes_max, std::size_t{4096}));
  auto data = '"' + std::string(1000, 'x') + '"';
  for (int id = 1; id <= 3; ++id)
    of.alice.write(R"({"type":"send","id":)" + std::to_string(id) + R"(,"to":"bob","data":)" +
                   data + "}");
  of.node.settle_without(of.slow);
  of.alice.write(R"({"type":"send","id":4,"to":"bob","data":)" + data + "}");
  of.alice.write(R"({"type":"publish","id":5,"data":)" + data + "}");
  of.node.settle_without(of.slow);
  BOOST_TEST(of.alice.said() ==
             error(4, code::not_delivered, R"("outcomes":{"bob":"overloaded"})") +
                 ok(5, "\"count\":0"));
  of.node.settle();
  BOOST_TEST(of.bob->said().ends_with("}\n" + gap("g", 1)));
}

BOOST_AUTO_TEST_CASE(who_is_replaced_before_the_welcome_hears_of_it_after_it) {
  opening of(stage::unlimited(), {{"g", protocol::session_policy::replace}});
  recorder newer(of.node, 0, "bob", {"g"});
  of.node.settle_without(of.slow);
  BOOST_TEST(of.bob->said() == "");
  of.node.settle();
  auto said = of.bob->said();
  BOOST_TEST(said.starts_with(R"({"type":"welcome")"));
  BOOST_TEST(said.ends_with("}\n" + left("g", "replaced")));
  of.bob->write(R"({"type":"publish","id":1,"group":"g","data":1})");
  BOOST_TEST(of.bob->said() == error(1, code::not_member));
}

BOOST_AUTO_TEST_CASE(a_group_that_ends_before_who_was_replaced_hears_of_it_has_not_failed) {
  opening of(stage::unlimited(), {{"g", protocol::session_policy::replace}});
  recorder newer(of.node, 1, "bob", {"g"}); // on the thread of the older
  of.node.settle_without(of.slow);
  newer.said();
  newer.write(R"({"type":"request","id":1,"to":"alice","data":1})");
  of.node.settle_without(of.slow);
  newer.write(R"({"type":"leave","id":2})");
  of.alice.write(R"({"type":"leave"})");
  of.node.settle_without(of.slow);
  BOOST_TEST(of.node.sum(&actors::counters::groups) == 0);
  BOOST_TEST(newer.said() == ok(2)); // alice still has its request
  of.alice.end();
  of.node.settle();
  BOOST_TEST(newer.said() == error(1, code::callee_gone));
}

BOOST_AUTO_TEST_CASE(a_group_that_fails_before_the_welcome_is_told_after_it) {
  opening of;
  of.node.kill_group("g");
  of.node.settle_without(of.slow);
  BOOST_TEST(of.bob->said() == "");
  BOOST_TEST(of.alice.said() == left("g", "group_failed"));
  of.node.settle();
  auto said = of.bob->said();
  BOOST_TEST(said.starts_with(R"({"type":"welcome")"));
  BOOST_TEST(said.ends_with("}\n" + left("g", "group_failed")));
}

BOOST_AUTO_TEST_CASE(who_is_replaced_before_the_welcome_and_ends_hears_nothing) {
  opening of(stage::unlimited(), {{"g", protocol::session_policy::replace}});
  recorder newer(of.node, 0, "bob", {"g"});
  of.node.settle_without(of.slow);
  of.bob->end();
  of.node.settle();
  BOOST_TEST(of.bob->said() == "");
}

BOOST_AUTO_TEST_CASE(a_url_group_that_does_not_answer_ends_the_connection) {
  opening of;
  of.node.pass(5s);
  of.node.fire(1);
  BOOST_TEST((of.bob->closed() == close_code::denied));
  BOOST_TEST(has(of.bob->said(), R"("code":"internal")"));
}

// ---- frames that wait
// -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(frames_take_effect_in_the_order_in_which_they_were_sent) {
  meeting at;
  at.alice.write("{\"type\":\"join\",\"id\":1,\"group\":\"h\"}\n"
                 "{\"type\":\"publish\",\"id\":2,\"group\":\"h\",\"echo\":true,\"data\":1}\n"
                 "{\"type\":\"leave\",\"id\":3,\"group\":\"h\"}\n"
                 "{\"type\":\"publish\",\"id\":4,\"group\":\"h\",\"data\":2}");
  BOOST_TEST(at.alice.paused());
  at.node.settle();
  BOOST_TEST(!at.alice.paused());
  BOOST_TEST(at.alice.said() == ok(1, R"("as":"alice","epoch":"2","offset":0,"version":0)") +
                                    delivery("message", R"("group":"h","from":"alice")", "1") +
                                    ok(3) + error(4, code::not_member) + ok(2, "\"count\":1"));
}

BOOST_AUTO_TEST_CASE(a_frame_for_another_group_does_not_wait_for_a_join) {
  meeting at;
  at.alice.write(R"({"type":"join","id":1,"group":"h"})");
  at.alice.write(R"({"type":"send","to":"bob","data":1})");
  BOOST_TEST(!at.alice.paused());
  at.alice.write(R"({"type":"join","id":2,"group":"i"})");
  BOOST_TEST(at.alice.paused()); // one question at a time
}

BOOST_AUTO_TEST_CASE(what_needs_no_group_does_not_wait_for_the_default_one) {
  meeting at;
  at.alice.write(R"({"type":"update","id":1})");
  at.alice.write("{\"type\":\"ping\"}\n"
                 "{\"type\":\"received\",\"message\":5}\n"
                 "{\"type\":\"reply\",\"request\":5,\"data\":1}\n"
                 "{\"type\":\"send\",\"user\":\"bob\",\"data\":1}");
  BOOST_TEST(!at.alice.paused());
  at.alice.write(R"({"type":"publish","data":1})");
  BOOST_TEST(at.alice.paused());
}

BOOST_AUTO_TEST_CASE(answers_owed_are_bounded_by_reading_later) {
  meeting at(with(&protocol::limits::confirmations_max, std::size_t{2}));
  at.alice.write(R"({"type":"send","id":1,"to":"bob","data":1})");
  at.alice.write(R"({"type":"send","id":2,"to":"bob","data":2})");
  BOOST_TEST(!at.alice.paused());
  at.alice.write(R"({"type":"send","id":3,"to":"bob","data":3})");
  BOOST_TEST(at.alice.paused());
  at.node.settle();
  BOOST_TEST(!at.alice.paused());
  BOOST_TEST(at.alice.said() == ok(1) + ok(2) + ok(3));
}

BOOST_AUTO_TEST_CASE(what_a_session_waits_for_is_bounded_in_bytes_as_well) {
  auto bounds = stage::unlimited();
  bounds.outbound_bytes_max = bounds.reserve_bytes_max = 4 * 1024 * 1024; // for the answers
  meeting at(bounds);
  std::string names;
  for (int i = 0; i < 256; ++i)
    names += (i ? ",\"" : "\"") + std::to_string(1000 + i) + std::string(124, 'x') + '"';
  for (int id = 1; id <= 33; ++id) // of 36 KiB each, as far as its answer goes; 1 MiB holds 29
    at.alice.write(R"({"type":"send","id":)" + std::to_string(id) + R"(,"to":[)" + names +
                   R"(],"confirm":"received","data":1})");
  at.alice.write(R"({"type":"send","id":34,"to":"bob","data":1})"); // waits for nothing
  auto said = at.alice.said();
  for (int id = 1; id <= 33; ++id)
    BOOST_TEST(has(said, error(static_cast<std::uint64_t>(id), code::too_many)) == (id > 29));
  at.node.settle();
  BOOST_TEST(has(at.alice.said(), ok(34)));
  at.alice.write(R"({"type":"send","id":35,"to":"bob","confirm":"written","data":1})");
  at.node.settle();
  BOOST_TEST(!has(at.alice.said(), R"("code":"too_many")"));
}

BOOST_AUTO_TEST_CASE(what_waits_for_an_answer_goes_on_when_its_group_fails) {
  meeting at(with(&protocol::limits::confirmations_max, std::size_t{1}));
  at.alice.write(R"({"type":"publish","id":1,"data":1})");
  at.alice.write(R"({"type":"send","id":2,"user":"bob","data":2})");
  BOOST_TEST(at.alice.paused());
  at.node.kill_group("g"); // before it sees the publication
  at.node.settle();
  BOOST_TEST(!at.alice.paused());
  BOOST_TEST(at.alice.said() == error(1, code::internal) + left("g", "group_failed") + ok(2));
}

BOOST_AUTO_TEST_CASE(what_waits_for_an_answer_goes_on_when_that_expires) {
  meeting at(with(&protocol::limits::confirmations_max, std::size_t{1}));
  at.alice.write(R"({"type":"publish","id":1,"data":1})");
  at.alice.write(R"({"type":"send","id":2,"user":"bob","data":2})");
  at.node.pass(6s); // no actor runs meanwhile
  at.node.fire(0);
  BOOST_TEST(!at.alice.paused());
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(1, "\"count\":0") + ok(2));
}

/// A message without an id, 1 KiB of data; with what it takes beside that, 42 make a checkpoint.
const std::string silent = R"({"type":"send","to":"bob","data":")" + std::string(1024, 'x') + "\"}";

BOOST_AUTO_TEST_CASE(who_sends_without_an_id_is_read_no_faster_than_its_groups_work) {
  meeting at;
  std::size_t sent = 0;
  for (; sent < 1000 && !at.alice.paused(); ++sent)
    at.alice.write(silent);
  BOOST_TEST(sent > 64); // one checkpoint on its way holds nobody back
  BOOST_TEST(sent < 128);
  at.node.settle();
  BOOST_TEST(!at.alice.paused());
  BOOST_TEST(at.alice.said() == "");
  BOOST_TEST(at.bob.frames.size() == sent);
}

BOOST_AUTO_TEST_CASE(publications_without_an_id_are_held_back_as_well) {
  meeting at;
  std::size_t sent = 0;
  for (; sent < 1000 && !at.alice.paused(); ++sent)
    at.alice.write(R"({"type":"publish","data":")" + std::string(1024, 'x') + "\"}");
  BOOST_TEST(sent < 128);
  at.node.settle();
  BOOST_TEST(!at.alice.paused());
  at.alice.write(R"({"type":"publish","id":1,"data":1})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(1, "\"count\":1"));
  BOOST_TEST(at.bob.frames.size() == sent + 1);
}

BOOST_AUTO_TEST_CASE(who_is_held_back_without_an_id_goes_on_when_its_group_fails) {
  meeting at;
  while (!at.alice.paused())
    at.alice.write(silent);
  at.node.kill_group("g");
  at.node.settle();
  BOOST_TEST(!at.alice.paused());
  BOOST_TEST(at.alice.said() == left("g", "group_failed"));
}

BOOST_AUTO_TEST_CASE(who_is_held_back_without_an_id_goes_on_when_nobody_counts) {
  meeting at;
  while (!at.alice.paused())
    at.alice.write(silent);
  at.node.pass(6s); // no actor runs meanwhile
  at.node.fire(0);
  BOOST_TEST(!at.alice.paused());
  at.node.settle();
  BOOST_TEST(at.alice.said() == "");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_holds_nobody_back_for_longer_whatever_its_frame_says) {
  meeting at;
  auto patient = silent;
  patient.insert(patient.size() - 1, R"(,"ttl":60)");
  while (!at.alice.paused())
    at.alice.write(patient);
  at.node.pass(actors::session::checkpoint_wait_max - 100ms); // no actor runs meanwhile
  at.node.fire(0);
  BOOST_TEST(at.alice.paused());
  at.node.pass(200ms);
  at.node.fire(0);
  BOOST_TEST(!at.alice.paused());
}

// ---- sends
// ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_message_to_itself_comes_before_its_answer) {
  meeting at;
  at.alice.write(R"({"type":"send","id":1,"to":"alice","data":1})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == delivery("direct", R"("group":"g","from":"alice")", "1") + ok(1));
}

BOOST_AUTO_TEST_CASE(each_recipient_has_its_own_outcome) {
  meeting at;
  at.alice.write(R"({"type":"send","id":1,"to":["bob","nobody"],"data":1})");
  at.alice.write(R"({"type":"send","id":2,"to":["nobody"],"data":2})");
  at.alice.write(R"({"type":"send","to":["nobody","bob"],"data":3})");
  at.node.settle();
  BOOST_TEST(at.bob.said() == delivery("direct", R"("group":"g","from":"alice")", "1") +
                                  delivery("direct", R"("group":"g","from":"alice")", "3"));
  // The one who is not there is known at once, the one who is after a hop.
  BOOST_TEST(at.alice.said() ==
             error(2, code::not_delivered, R"("outcomes":{"nobody":"offline"})") +
                 ok(1, R"("outcomes":{"nobody":"offline"})"));
}

BOOST_AUTO_TEST_CASE(a_user_and_a_session_are_reached_without_a_group) {
  stage node(2);
  recorder alice(node, 0, "alice"), first(node, 0, "bob"), second(node, 1, "bob");
  node.settle();
  auto name = name_of(second);
  alice.said(), first.said();
  alice.write(R"({"type":"send","id":1,"user":"bob","data":1})");
  alice.write(R"({"type":"send","id":2,"session":")" + name + R"(","data":2})");
  alice.write(R"({"type":"send","id":3,"session":"elsewhere.0123456789abcdef","data":3})");
  name.back() = name.back() == '0' ? '1' : '0';
  alice.write(R"({"type":"send","id":4,"session":")" + name + R"(","data":4})");
  node.settle();
  BOOST_TEST(first.said() == delivery("direct", R"("from":"alice")", "1"));
  BOOST_TEST(second.said() == delivery("direct", R"("from":"alice")", "1") +
                                  delivery("direct", R"("from":"alice")", "2"));
  auto said = alice.said();
  BOOST_TEST(has(said, ok(1)));
  BOOST_TEST(has(said, ok(2)));
  BOOST_TEST(has(said, error(3, code::not_delivered,
                             R"("outcomes":{"elsewhere.0123456789abcdef":"offline"})")));
  BOOST_TEST(
      has(said, error(4, code::not_delivered, R"("outcomes":{")" + name + R"(":"offline"})")));
}

BOOST_AUTO_TEST_CASE(a_member_is_known_by_the_name_under_which_it_joined) {
  stage node;
  actors::identity who{"alice", {"chair"}, false, {}};
  recorder alice(node, 0, actors::greeting{who, {}}), bob(node, 0, "bob", {"g"});
  node.settle();
  bob.said(), alice.said();
  alice.write(R"({"type":"join","id":1,"group":"g","as":"king"})");
  alice.write(R"({"type":"join","id":2,"group":"g","as":"chair"})");
  node.settle();
  BOOST_TEST(alice.said() ==
             error(1, code::denied) + ok(2, R"("as":"chair","epoch":"1","offset":0,"version":0)"));
  alice.write(R"({"type":"send","group":"g","to":"bob","data":1})");
  alice.write(R"({"type":"join","id":3,"group":"g","as":"alice"})");
  node.settle();
  BOOST_TEST(bob.said() == delivery("direct", R"("group":"g","from":"chair")", "1"));
  BOOST_TEST(alice.said() == error(3, code::exists));
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_what_does_not_fit) {
  meeting at(with(&protocol::limits::outbound_bytes_max, std::size_t{4096}));
  at.bob.take_all();
  auto line = delivery("direct", R"("group":"g","from":"alice")", "\"\"");
  auto send = [&](int id,
                  std::size_t wire_bytes) { // so large on the wire, with a header of four bytes
    auto data = std::string(wire_bytes - 4 - (line.size() - 1), 'x');
    at.alice.write("{\"type\":\"send\",\"id\":" + std::to_string(id) +
                   ",\"to\":\"bob\",\"data\":\"" + data + "\"}");
    at.node.settle();
  };
  send(1, 4095);
  at.bob.take_all();
  send(2, 4096);
  at.bob.take_all();
  send(3, 4097);
  BOOST_TEST(at.alice.said() ==
             ok(1) + ok(2) + error(3, code::not_delivered, R"("outcomes":{"bob":"overloaded"})"));
}

// ---- confirmations
// --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(written_is_told_once_the_kernel_has_the_last_byte) {
  meeting at;
  at.bob.take_all();
  at.alice.write(R"({"type":"send","id":1,"to":"bob","confirm":"written","data":1})");
  at.node.settle();
  at.bob.take(at.bob.queued() - 1);
  at.node.settle();
  BOOST_TEST(at.alice.said() == "");
  at.bob.take(1);
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(1));
}

BOOST_AUTO_TEST_CASE(received_is_told_once_the_client_said_so) {
  meeting at;
  at.alice.write(R"({"type":"send","id":1,"to":"bob","confirm":"received","data":1})");
  at.node.settle();
  auto said = at.bob.said();
  auto number = said.substr(said.find("\"message\":") + 10,
                            said.find(",\"data\"") - said.find("\"message\":") - 10);
  at.bob.take_all();
  at.bob.write(R"({"type":"received","message":[1,2,3]})"); // nobody's
  at.node.settle();
  BOOST_TEST(at.alice.said() == "");
  at.bob.write(R"({"type":"received","message":)" + number + "}");
  at.bob.write(R"({"type":"received","message":)" + number + "}");
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(1));
}

BOOST_AUTO_TEST_CASE(a_confirmation_that_does_not_come_expires) {
  meeting at;
  at.alice.write(R"({"type":"send","id":1,"to":"bob","confirm":"received","ttl":1,"data":1})");
  at.alice.write(
      R"({"type":"send","id":2,"to":["bob","alice"],"confirm":"written","ttl":2,"data":2})");
  at.node.settle();
  at.alice.take_all();
  at.node.settle_for(980ms);
  BOOST_TEST(!has(at.alice.said(), "\"id\":1"));
  at.node.settle_for(40ms);
  BOOST_TEST(at.alice.said() == error(1, code::not_delivered, R"("outcomes":{"bob":"expired"})"));
  at.node.settle_for(1s);
  BOOST_TEST(at.alice.said() == ok(2, R"("outcomes":{"bob":"expired"})"));
  BOOST_TEST(!at.alice.session().waits());
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_settles_what_it_owes) {
  meeting at;
  at.alice.write(R"({"type":"send","id":1,"to":"bob","confirm":"written","data":1})");
  at.alice.write(R"({"type":"send","id":2,"to":"bob","confirm":"received","data":2})");
  at.alice.write(R"({"type":"request","id":3,"to":"bob","data":3})");
  at.node.settle();
  at.bob.end();
  at.node.settle();
  auto said = at.alice.said();
  BOOST_TEST(has(said, error(1, code::not_delivered, R"("outcomes":{"bob":"offline"})")));
  BOOST_TEST(has(said, error(2, code::not_delivered, R"("outcomes":{"bob":"offline"})")));
  BOOST_TEST(has(said, error(3, code::callee_gone)));
}

BOOST_AUTO_TEST_CASE(confirmations_that_wait_are_bounded) {
  meeting at(with(&protocol::limits::confirmations_max, std::size_t{2}));
  for (int id = 1; id <= 3; ++id) {
    at.alice.write("{\"type\":\"send\",\"id\":" + std::to_string(id) +
                   R"(,"to":"bob","confirm":"written","data":1})");
    at.node.settle();
  }
  BOOST_TEST(at.alice.said() == error(3, code::too_many));
}

// ---- requests
// -------------------------------------------------------------------------------------

/// The number of the request that was said.
std::string request_in(const std::string& said) {
  auto start = said.find("\"request\":") + 10;
  return said.substr(start, said.find(',', start) - start);
}

BOOST_AUTO_TEST_CASE(the_first_reply_wins) {
  stage node(2);
  recorder alice(node, 0, "alice", {"g"}), one(node, 0, "bob", {"g"}), two(node, 1, "bob", {"g"});
  node.settle();
  alice.said(), one.said(), two.said();
  alice.write(R"({"type":"request","id":7,"to":"bob","data":"?"})");
  node.settle();
  auto asked = one.said();
  auto number = request_in(asked);
  auto line = delivery("request", R"("group":"g","from":"alice")", "\"?\"");
  line.insert(line.find(",\"data\""), ",\"request\":" + number + ",\"timeout_ms\":5000");
  BOOST_TEST(asked == line);
  BOOST_TEST(request_in(two.said()) == number);
  two.write(R"({"type":"reply","request":)" + number + R"(,"data":[1.0]})");
  one.write(R"({"type":"reply","request":)" + number +
            R"(,"error":{"code":"no","message":"late"}})");
  one.write(R"({"type":"reply","request":)" + number + R"(,"data":2})");
  node.settle();
  auto said = alice.said();
  BOOST_TEST((said == ok(7, R"("from":"bob","data":[1.0])") ||
              said == "{\"type\":\"error\",\"id\":7,\"code\":\"no\",\"message\":\"late\"}\n"));
}

BOOST_AUTO_TEST_CASE(a_reply_that_says_no_reaches_the_caller_as_it_is) {
  meeting at;
  at.alice.write(R"({"type":"request","id":7,"user":"bob","data":"?"})");
  at.node.settle();
  auto number = request_in(at.bob.said());
  at.bob.write(R"({"type":"reply","request":)" + number +
               R"(,"error":{"code":"busy_now","message":"a \"b\""}})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == R"({"type":"error","id":7,"code":"busy_now","message":"a \"b\""})"
                                "\n");
}

BOOST_AUTO_TEST_CASE(a_request_has_its_time) {
  meeting at;
  at.alice.write(R"({"type":"request","id":1,"to":"bob","timeout_ms":50,"data":1})");
  at.node.settle_for(40ms);
  BOOST_TEST(at.alice.said() == "");
  at.node.settle_for(30ms);
  BOOST_TEST(at.alice.said() == error(1, code::timeout));
  at.bob.write(R"({"type":"reply","request":)" + request_in(at.bob.said()) + R"(,"data":1})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == "");
}

BOOST_AUTO_TEST_CASE(a_request_to_nobody_is_not_delivered) {
  meeting at;
  at.alice.write(R"({"type":"request","id":1,"to":"carol","data":1})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == error(1, code::not_delivered, R"("outcomes":{"carol":"offline"})"));
}

BOOST_AUTO_TEST_CASE(the_callee_is_gone_when_its_last_session_ends) {
  stage node(2);
  recorder alice(node, 0, "alice", {"g"}), one(node, 0, "bob", {"g"}), two(node, 1, "bob", {"g"});
  node.settle();
  alice.said();
  alice.write(R"({"type":"request","id":1,"to":"bob","data":1})");
  node.settle();
  one.end();
  node.settle();
  BOOST_TEST(alice.said() == "");
  two.end();
  node.settle();
  BOOST_TEST(alice.said() == error(1, code::callee_gone));
}

BOOST_AUTO_TEST_CASE(requests_in_flight_are_bounded) {
  meeting at(with(&protocol::limits::requests_in_flight_max, std::size_t{2}));
  for (int id = 1; id <= 3; ++id)
    at.alice.write("{\"type\":\"request\",\"id\":" + std::to_string(id) +
                   R"(,"to":"bob","data":1})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == error(3, code::too_many));
  at.bob.write(R"({"type":"reply","request":)" + request_in(at.bob.said()) + R"(,"data":1})");
  at.node.settle();
  at.alice.said();
  at.alice.write(R"({"type":"request","id":4,"to":"bob","data":1})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == "");
}

// ---- publications
// ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_publication_is_counted_by_session) {
  stage node(2);
  recorder alice(node, 0, "alice", {"g"}), twin(node, 1, "alice", {"g"});
  recorder bob(node, 0, "bob", {"g"}), carol(node, 1, "carol", {"g"}), quiet(node, 1, "quiet");
  node.settle();
  quiet.write(R"({"type":"join","group":"g","interest":"direct"})");
  node.settle();
  for (auto* r : {&alice, &twin, &bob, &carol, &quiet})
    r->said();
  alice.write(R"({"type":"publish","id":1,"data":1})");
  alice.write(R"({"type":"publish","id":2,"echo":true,"except":["carol","nobody"],"data":2})");
  alice.write(R"({"type":"publish","id":3,"except":["alice","bob","carol"],"data":3})");
  alice.write(R"({"type":"send","group":"g","to":"quiet","data":4})");
  node.settle();
  auto message = [](const char* data) {
    return delivery("message", R"("group":"g","from":"alice")", data);
  };
  BOOST_TEST(twin.said() == message("1") + message("2"));
  BOOST_TEST(bob.said() == message("1") + message("2"));
  BOOST_TEST(carol.said() == message("1"));
  BOOST_TEST(quiet.said() == delivery("direct", R"("group":"g","from":"alice")", "4"));
  auto said = alice.said();
  BOOST_TEST(has(said, message("2")));
  BOOST_TEST(!has(said, message("1")));
  BOOST_TEST(has(said, ok(1, "\"count\":3")));
  BOOST_TEST(has(said, ok(2, "\"count\":3")));
  BOOST_TEST(has(said, ok(3, "\"count\":0")));
}

BOOST_AUTO_TEST_CASE(a_slow_session_is_told_what_it_missed) {
  meeting at(with(&protocol::limits::outbound_bytes_max, std::size_t{2048}));
  at.bob.take_all();
  auto data = '"' + std::string(900, 'x') + '"';
  for (int id = 1; id <= 4; ++id)
    at.alice.write("{\"type\":\"publish\",\"id\":" + std::to_string(id) + ",\"data\":" + data +
                   "}");
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(1, "\"count\":1") + ok(2, "\"count\":1") + ok(3, "\"count\":0") +
                                    ok(4, "\"count\":0"));
  at.bob.said();
  at.bob.take(1);
  BOOST_TEST(at.bob.said() == "");
  at.bob.take_all();
  BOOST_TEST(at.bob.said() == gap("g", 2));
}

BOOST_AUTO_TEST_CASE(what_is_too_large_for_an_empty_queue_does_not_make_a_session_slow) {
  meeting at(with(&protocol::limits::outbound_bytes_max, std::size_t{2048}));
  at.bob.take_all();
  auto data = '"' + std::string(3000, 'x') + '"';
  at.alice.write("{\"type\":\"publish\",\"id\":1,\"data\":" + data + "}");
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(1, "\"count\":0"));
  BOOST_TEST(at.bob.said() == gap("g", 1)); // at once: nothing has to be taken first
  BOOST_TEST(at.bob.reads());
  at.bob.take_all();
  at.alice.write("{\"type\":\"send\",\"id\":2,\"to\":\"bob\",\"data\":" + data + "}");
  at.node.settle();
  BOOST_TEST(has(at.alice.said(), R"("outcomes":{"bob":"overloaded"})"));
  BOOST_TEST(at.bob.reads());
  at.bob.write(R"({"type":"ping"})");
  BOOST_TEST(at.bob.said() == "{\"type\":\"pong\"}\n");
}

BOOST_AUTO_TEST_CASE(what_was_missed_in_a_group_is_told_before_it_is_left) {
  meeting at(with(&protocol::limits::outbound_bytes_max, std::size_t{2048}));
  at.bob.take_all();
  auto data = '"' + std::string(900, 'x') + '"';
  for (int id = 1; id <= 3; ++id)
    at.alice.write("{\"type\":\"publish\",\"id\":" + std::to_string(id) + ",\"data\":" + data +
                   "}");
  at.bob.write(R"({"type":"leave","id":1})"); // before its queue is full: then it is not read
  at.node.settle();
  auto said = at.bob.said();
  BOOST_TEST(said.ends_with(data + "}\n" + gap("g", 1) + ok(1)), said);
}

BOOST_AUTO_TEST_CASE(a_count_that_was_dropped_is_told) {
  stage node(1, with(&protocol::limits::outbound_bytes_max, std::size_t{2048}));
  recorder alice(node, 0, "alice"), bob(node, 0, "bob");
  node.settle();
  alice.take_all();
  alice.write(R"({"type":"join","id":1,"group":"g","presence":"count"})");
  node.settle_for(100ms);
  alice.take_all();
  for (auto fits = true; fits;) {
    bob.said();
    bob.write(R"({"type":"send","id":1,"user":"alice","data":1})");
    node.settle();
    fits = has(bob.said(), ok(1));
  }
  alice.said();
  recorder carol(node, 0, "carol", {"g"});
  node.settle_for(100ms);
  BOOST_TEST(alice.said() == "");
  alice.take_all();
  BOOST_TEST(alice.said() == gap("g", 1));
}

// ---- joins, updates, leaves
// -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(groups_of_a_session_are_bounded) {
  meeting at(with(&protocol::limits::groups_per_session_max, std::size_t{2}));
  at.alice.write("{\"type\":\"join\",\"id\":1,\"group\":\"h\"}\n"
                 "{\"type\":\"join\",\"id\":2,\"group\":\"i\"}\n"
                 "{\"type\":\"join\",\"id\":3,\"group\":\"h\"}\n"
                 "{\"type\":\"leave\",\"id\":4,\"group\":\"h\"}\n"
                 "{\"type\":\"join\",\"id\":5,\"group\":\"i\"}");
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(1, R"("as":"alice","epoch":"2","offset":0,"version":0)") +
                                    error(2, code::too_many) +
                                    ok(3, R"("as":"alice","epoch":"2","offset":0,"version":0)") +
                                    ok(4) +
                                    ok(5, R"("as":"alice","epoch":"3","offset":0,"version":0)"));
}

BOOST_AUTO_TEST_CASE(a_join_again_changes_only_what_it_names) {
  meeting at;
  at.alice.write(
      R"({"type":"join","id":1,"group":"g","presence":"count","interest":"direct","meta":{"a":1}})");
  at.node.settle_for(100ms);
  at.alice.said();
  at.alice.write(R"({"type":"join","id":2,"group":"g"})");
  at.node.settle();
  BOOST_TEST(at.alice.said() ==
             ok(2, R"("as":"alice","epoch":"1","offset":0,"version":1,"count":2)"));
  at.bob.write(R"({"type":"publish","id":3,"data":1})");
  at.bob.write(R"({"type":"roster","id":4})");
  at.node.settle();
  auto said = at.bob.said();
  BOOST_TEST(has(said, ok(3, "\"count\":0")));
  BOOST_TEST(has(
      said,
      ok(4,
         R"("version":1,"members":{"alice":{"meta":{"a":1},"sessions":1},"bob":{"sessions":1}})")));
}

BOOST_AUTO_TEST_CASE(what_needs_membership_says_so_without_a_lookup) {
  meeting at;
  for (auto* frame :
       {R"({"type":"send","id":1,"group":"h","to":"bob","data":1})",
        R"({"type":"publish","id":1,"group":"h","data":1})",
        R"({"type":"request","id":1,"group":"h","to":"bob","data":1})",
        R"({"type":"roster","id":1,"group":"h"})", R"({"type":"update","id":1,"group":"h"})",
        R"({"type":"leave","id":1,"group":"h"})"}) {
    at.alice.write(frame);
    BOOST_TEST(at.alice.said() == error(1, code::not_member));
  }
  BOOST_TEST(at.node.jobs() == 0);
}

/// Alice asks the group `h`, whose answer then comes only after she has given it up.
struct late_answer {
  late_answer() : slow(node.node.homes[0]->relay_handle) {
    node.settle();
    alice.said(), bob.said();
  }
  void give_up() {
    node.settle_without(slow);
    node.pass(5s);
    node.fire(0);
  }
  /// Who is in `h`, as bob is told.
  std::string roster() {
    bob.said();
    bob.write(R"({"type":"roster","id":99})");
    node.settle_for(100ms);
    bob.said();
    bob.write(R"({"type":"roster","id":99})");
    node.settle();
    auto said = bob.said();
    return said.substr(said.find("\"members\":"));
  }
  stage node{2};
  caf::actor slow;
  recorder alice{node, 0, "alice"};
  recorder bob{node, 1, "bob", {"h"}};
};

BOOST_AUTO_TEST_CASE(a_join_that_was_given_up_does_not_happen) {
  late_answer of;
  of.alice.write(R"({"type":"join","id":1,"group":"h"})");
  of.give_up();
  BOOST_TEST(of.alice.said() == error(1, code::internal));
  of.node.settle();
  BOOST_TEST(of.alice.said() == "");
  BOOST_TEST(of.roster() == "\"members\":{\"bob\":{\"sessions\":1}}}\n");
}

BOOST_AUTO_TEST_CASE(the_answer_to_a_join_that_was_given_up_does_not_answer_the_next) {
  late_answer of;
  of.alice.write(R"({"type":"join","id":1,"group":"h"})");
  of.give_up();
  of.alice.said();
  of.alice.write(R"({"type":"join","id":2,"group":"h"})");
  of.node.settle();
  BOOST_TEST(of.alice.said() == ok(2, R"("as":"alice","epoch":"1","offset":0,"version":1)"));
  BOOST_TEST(of.roster() == R"("members":{"alice":{"sessions":1},"bob":{"sessions":1}}})"
                            "\n");
}

BOOST_AUTO_TEST_CASE(a_join_under_another_name_replaces_one_that_was_given_up) {
  late_answer of;
  actors::identity who{"carol", {"chair"}, false, {}};
  recorder carol(of.node, 0, actors::greeting{who, {}});
  of.node.settle();
  carol.said();
  carol.write(R"({"type":"join","id":1,"group":"h","as":"chair"})");
  of.give_up();
  BOOST_TEST(carol.said() == error(1, code::internal));
  carol.write(R"({"type":"join","id":2,"group":"h"})");
  of.node.settle();
  BOOST_TEST(carol.said() == ok(2, R"("as":"carol","epoch":"1","offset":0,"version":1)"));
  BOOST_TEST(of.roster() == R"("members":{"bob":{"sessions":1},"carol":{"sessions":1}}})"
                            "\n");
}

BOOST_AUTO_TEST_CASE(a_member_whose_second_join_was_given_up_stays_one) {
  late_answer of;
  of.alice.write(R"({"type":"join","group":"h"})");
  of.node.settle();
  of.alice.write(R"({"type":"join","id":1,"group":"h"})");
  of.give_up();
  BOOST_TEST(of.alice.said() == error(1, code::internal));
  of.node.settle();
  BOOST_TEST(of.roster() == R"("members":{"alice":{"sessions":1},"bob":{"sessions":1}}})"
                            "\n");
  of.alice.write(R"({"type":"send","id":2,"group":"h","to":"bob","data":1})");
  of.node.settle();
  BOOST_TEST(of.alice.said() == ok(2));
}

BOOST_AUTO_TEST_CASE(a_leave_that_was_given_up_happens_all_the_same) {
  late_answer of;
  of.alice.write(R"({"type":"join","group":"h"})");
  of.node.settle();
  of.alice.write(R"({"type":"leave","id":1,"group":"h"})");
  of.give_up();
  BOOST_TEST(of.alice.said() == error(1, code::internal));
  of.node.settle();
  of.alice.write(R"({"type":"send","id":2,"group":"h","to":"bob","data":1})");
  BOOST_TEST(of.alice.said() == error(2, code::not_member));
}

// ---- groups that fail
// -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_group_that_fails_is_told_and_can_be_joined_again) {
  meeting at;
  at.alice.write(R"({"type":"request","id":1,"to":"bob","data":1})");
  at.node.settle();
  at.node.kill_group("g");
  at.alice.write(R"({"type":"update","id":2})"); // to a group that is dead already
  at.node.settle();
  BOOST_TEST(at.alice.said() ==
             error(1, code::internal) + left("g", "group_failed") + error(2, code::internal));
  at.alice.write(R"({"type":"join","id":3,"group":"g"})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(3, R"("as":"alice","epoch":"2","offset":0,"version":0)"));
  BOOST_TEST(at.node.sum(&actors::counters::members) == 1);
  BOOST_TEST(at.node.sum(&actors::counters::groups) == 1);
}

/// Two threads tell alice's: the one where the group died, and the one where its name already
/// stands for a new one.
BOOST_AUTO_TEST_CASE(a_new_group_of_the_same_name_takes_over_the_membership) {
  meeting at;
  at.alice.write(R"({"type":"publish","id":1,"data":1})");
  at.alice.write(R"({"type":"join","group":"g"})");
  actors::group_reply joined;
  joined.what = actors::group_reply::kind::joined;
  joined.group = "g";
  joined.question = 2; // the first was for the group of the URL
  joined.source = at.node.system().spawn<actors::group, caf::hidden>(
      at.node.node, "g", at.node.node.directory_of("g")->address());
  at.node.enter(0);
  at.alice.session().take_reply(joined);
  at.node.enter(0);
  at.alice.session().lose_group(at.node.group_named("g").id());
  BOOST_TEST(at.alice.said() == error(1, code::internal));
  at.alice.write(R"({"type":"publish","id":2,"data":1})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(2, "\"count\":0"));
  caf::anon_send_exit(joined.source, caf::exit_reason::kill);
}

// ---- conduct
// --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(ten_mistakes_in_a_minute_end_the_session) {
  meeting at;
  for (int i = 0; i < 9; ++i)
    at.alice.write("nonsense");
  BOOST_TEST(!at.alice.closed());
  at.alice.write("nonsense");
  BOOST_TEST((at.alice.closed() == close_code::too_many_errors));
}

BOOST_AUTO_TEST_CASE(ten_mistakes_in_more_than_a_minute_are_forgiven) {
  meeting at;
  for (int i = 0; i < 20; ++i) {
    at.alice.write("nonsense");
    at.node.pass(6700ms);
  }
  BOOST_TEST(!at.alice.closed());
}

BOOST_AUTO_TEST_CASE(a_frame_that_comes_too_soon_is_told_that_alone) {
  auto bounds = stage::unlimited();
  bounds.frames_per_second = bounds.frames_burst = 1;
  meeting at(bounds);
  at.alice.write(R"({"type":"ping"})");
  at.alice.said();
  at.alice.write(R"({"type":"nonsense"})");
  BOOST_TEST(at.alice.said() == error(0, code::rate_limited, "\"retry_after_ms\":1001"));
  at.alice.write(R"({"type":"publish","id":1,"data":1})");
  BOOST_TEST(at.alice.said() == error(1, code::rate_limited, "\"retry_after_ms\":1001"));
}

/// One frame more than a batch may have, each of so many bytes.
std::string too_long_a_batch(std::size_t line_bytes = 16) {
  std::string all;
  for (std::size_t i = 0; i <= protocol::limits{}.batch_frames_max; ++i)
    all += R"({"type":"ping"})" + std::string(line_bytes - 16, ' ') + '\n';
  return all;
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_refused_whole_is_one_frame_of_the_rate) {
  const protocol::limits bounds;
  meeting at(bounds);
  for (std::size_t i = 0; i < bounds.frames_burst; ++i)
    at.alice.write(too_long_a_batch());
  auto said = at.alice.said();
  BOOST_TEST(has(said, R"("code":"too_many")"));
  BOOST_TEST(!has(said, R"("code":"rate_limited")"));
  at.alice.write(too_long_a_batch());
  BOOST_TEST(has(at.alice.said(), R"("code":"rate_limited")"));
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_refused_whole_counts_with_its_size) {
  const protocol::limits bounds;
  meeting at(bounds);
  const auto batch = too_long_a_batch(4096);
  for (std::size_t left = bounds.bytes_per_second; left >= batch.size(); left -= batch.size())
    at.alice.write(batch);
  BOOST_TEST(!has(at.alice.said(), R"("code":"rate_limited")"));
  at.alice.write(batch);
  BOOST_TEST(has(at.alice.said(), R"("code":"rate_limited")"));
}

BOOST_AUTO_TEST_CASE(blank_lines_count_against_the_rate_of_bytes) {
  const protocol::limits bounds;
  meeting at(bounds);
  const auto batch = std::string(4096, '\n') + R"({"type":"ping"})";
  for (std::size_t left = bounds.bytes_per_second; left >= batch.size(); left -= batch.size())
    at.alice.write(batch);
  BOOST_TEST(!has(at.alice.said(), R"("code":"rate_limited")"));
  at.alice.write(batch);
  auto said = at.alice.said();
  BOOST_TEST(has(said, R"("code":"rate_limited")"));
  BOOST_TEST(!has(said, R"("type":"pong")"));
}

BOOST_AUTO_TEST_CASE(who_has_not_said_who_it_is_has_the_same_rates) {
  stage node(1, protocol::limits{});
  recorder nobody(node, 0, actors::greeting{});
  for (int i = 0; i < 1000; ++i)
    nobody.write(too_long_a_batch());
  BOOST_TEST(has(nobody.said(), R"("code":"rate_limited")"));
}

BOOST_AUTO_TEST_CASE(who_goes_on_with_batches_that_are_refused_whole_is_closed) {
  meeting at(protocol::limits{});
  for (int i = 0; i < 200; ++i) {
    for (int n = 0; n < 50; ++n)
      at.alice.write(too_long_a_batch());
    at.alice.take_all();
    at.node.pass(100ms);
  }
  BOOST_TEST((at.alice.closed() == close_code::rate_limited));
}

BOOST_AUTO_TEST_CASE(who_is_over_the_rate_of_joins_for_long_is_closed) {
  meeting at(with(&protocol::limits::joins_per_second, std::size_t{30}));
  for (int i = 0; i < 30; ++i)
    at.alice.write(R"({"type":"join","group":"g"})"), at.node.settle();
  BOOST_TEST(at.alice.said() == "");
  for (int i = 0; i < 100; ++i) {
    for (int n = 0; n < 10; ++n)
      at.alice.write(R"({"type":"join","id":1,"group":"g"})"), at.node.settle();
    BOOST_TEST(!at.alice.closed());
    at.node.pass(100ms);
  }
  BOOST_TEST(
      has(at.alice.said(),
          R"("code":"rate_limited","message":"too many in too short a time","retry_after_ms":)"));
  for (int n = 0; n < 10; ++n)
    at.alice.write(R"({"type":"join","id":1,"group":"g"})"), at.node.settle();
  BOOST_TEST((at.alice.closed() == close_code::rate_limited));
}

BOOST_AUTO_TEST_CASE(a_token_that_ends_ends_its_session) {
  stage node;
  using namespace std::chrono;
  actors::identity who{
      "alice", {}, false, system_clock::time_point(milliseconds(stage::wall_ms_at_start) + 10s)};
  recorder alice(node, 0, actors::greeting{who, {"g"}});
  node.settle();
  BOOST_TEST(has(alice.said(), "\"expires_in\":10"));
  node.settle_for(9990ms);
  alice.write(R"({"type":"publish","id":1,"data":1})");
  node.settle();
  BOOST_TEST(alice.said() == ok(1, "\"count\":0"));
  node.pass(10ms);
  alice.write(R"({"type":"publish","id":2,"data":1})");
  BOOST_TEST(alice.said() == error(2, code::token_expired));
  BOOST_TEST(!alice.closed());
  node.settle_for(1s);
  BOOST_TEST((alice.closed() == close_code::token_expired));
}

BOOST_AUTO_TEST_CASE(while_the_node_drains_only_answers_get_through) {
  meeting at;
  at.alice.write(R"({"type":"request","id":1,"to":"bob","data":1})");
  at.node.settle();
  at.node.node.draining = true;
  at.alice.write(R"({"type":"publish","id":2,"data":1})");
  BOOST_TEST(at.alice.said() == error(2, code::unavailable));
  at.bob.write(R"({"type":"reply","request":)" + request_in(at.bob.said()) + R"(,"data":1})");
  at.node.settle();
  BOOST_TEST(at.alice.said() == ok(1, R"("from":"bob","data":1)"));
  at.node.enter(0);
  at.alice.session().drain(1234ms);
  BOOST_TEST((at.alice.closed() == close_code::draining));
  BOOST_TEST(has(at.alice.said(), R"("reconnect":true,"retry_after_ms":1234)"));
}

// ---- end
// ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(nothing_is_left_of_a_session_that_ends) {
  meeting at;
  at.alice.end();
  at.bob.end();
  at.node.settle_for(100ms); // a group's last alarm keeps its actor that long
  BOOST_TEST(at.node.sum(&actors::counters::sessions) == 0);
  BOOST_TEST(at.node.sum(&actors::counters::members) == 0);
  BOOST_TEST(at.node.sum(&actors::counters::groups) == 0);
  BOOST_TEST(at.node.node.groups == 0);
  BOOST_TEST(!at.node.group_named("g"));
}

BOOST_AUTO_TEST_CASE(a_session_actor_that_is_ended_ends_its_connection) {
  meeting at;
  caf::anon_send_exit(at.alice.handle(), caf::exit_reason::kill);
  at.node.settle();
  BOOST_TEST((at.alice.closed() == close_code::internal_error));
  at.alice.end();
  at.bob.write(R"({"type":"send","id":1,"to":"alice","data":1})");
  at.node.settle();
  BOOST_TEST(at.bob.said() == error(1, code::not_delivered, R"("outcomes":{"alice":"offline"})"));
}

/// Its memory ends with the next reply.
class poor_recorder final : public recorder {
public:
  using recorder::recorder;
  using recorder::reply;
  void reply(std::string_view json) override {
    if (poor)
      throw std::bad_alloc();
    recorder::reply(json);
  }
  bool poor = false;
};

BOOST_AUTO_TEST_CASE(the_trouble_of_one_session_is_not_seen_by_another) {
  stage node;
  poor_recorder alice(node, 0, "alice", std::vector<std::string>{"g"});
  recorder bob(node, 0, "bob", {"g"});
  node.settle();
  alice.said(), bob.said();
  alice.write(R"({"type":"publish","id":1,"data":1})");
  alice.poor = true;
  bob.write(R"({"type":"publish","id":2,"data":1})");
  node.settle();
  BOOST_TEST((alice.closed() == close_code::internal_error));
  BOOST_TEST(bob.said() ==
             delivery("message", R"("group":"g","from":"alice")", "1") + ok(2, "\"count\":1"));
}

BOOST_AUTO_TEST_SUITE_END()
