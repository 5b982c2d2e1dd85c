#include "actors/hub.hpp"

#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/simulation/cluster.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>

using namespace beckon;
using namespace beckon::testing;
using namespace std::chrono_literals;
using protocol::code;
using protocol::session_policy;

namespace {

/// A client of one node that is in group g.
struct client : recorder {
  client(cluster& nodes, std::size_t node, const std::string& user)
      : recorder(nodes[node], 0, user, {"g"}), nodes_(nodes) {
    nodes.settle();
    said();
  }
  ~client() override { end(); }
  /// Writes a frame, given as its fields. @returns what it is told, once everything has come to
  /// rest
  std::string tell(const std::string& fields) {
    write("{" + fields + "}");
    nodes_.settle();
    return said();
  }

private:
  cluster& nodes_;
};

std::string direct(const std::string& from, const std::string& data) {
  return delivery("direct", "\"group\":\"g\",\"from\":\"" + from + '"', data);
}
std::string message(const std::string& from, const std::string& data) {
  return delivery("message", "\"group\":\"g\",\"from\":\"" + from + '"', data);
}

const std::string send_to_bob = R"("type":"send","id":1,"group":"g","to":"bob","data":1)";

} // namespace

BOOST_AUTO_TEST_SUITE(actors_hub)

// ---- members
// -----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_member_of_another_node_gets_a_direct_message_and_its_sender_hears_so) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  BOOST_TEST(alice.tell(send_to_bob) == ok(1));
  BOOST_TEST(bob.said() == direct("alice", "1"));
}

BOOST_AUTO_TEST_CASE(outcomes_of_members_here_there_and_nowhere_come_in_one_answer) {
  cluster nodes(3);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob"), carol(nodes, 2, "carol"),
      dave(nodes, 0, "dave");
  BOOST_TEST(
      alice.tell(R"("type":"send","id":2,"to":["dave","eve","carol","bob","frank"],"data":[])") ==
      ok(2, R"("outcomes":{"eve":"offline","frank":"offline"})"));
  BOOST_TEST(bob.said() == direct("alice", "[]"));
  BOOST_TEST(carol.said() == direct("alice", "[]"));
  BOOST_TEST(dave.said() == direct("alice", "[]"));
}

BOOST_AUTO_TEST_CASE(a_member_with_sessions_on_two_nodes_gets_it_in_both) {
  cluster nodes(3);
  client alice(nodes, 0, "alice"), one(nodes, 1, "bob"), two(nodes, 2, "bob");
  BOOST_TEST(alice.tell(send_to_bob) == ok(1));
  BOOST_TEST(one.said() == direct("alice", "1"));
  BOOST_TEST(two.said() == direct("alice", "1"));
}

BOOST_AUTO_TEST_CASE(who_left_on_another_node_is_offline) {
  cluster nodes(2);
  client alice(nodes, 0, "alice");
  {
    client bob(nodes, 1, "bob");
    BOOST_TEST(alice.tell(send_to_bob) == ok(1));
  }
  nodes.settle();
  BOOST_TEST(alice.tell(send_to_bob) ==
             error(1, code::not_delivered, R"("outcomes":{"bob":"offline"})"));
}

BOOST_AUTO_TEST_CASE(who_left_while_the_message_was_on_its_way_is_offline) {
  cluster nodes(2);
  client alice(nodes, 0, "alice");
  std::optional<client> bob;
  bob.emplace(nodes, 1, "bob");
  alice.write("{" + send_to_bob + "}");
  nodes[0].settle();
  BOOST_TEST(nodes.on_the_way(0, 1) == 1U);
  bob.reset();
  nodes[1].settle();
  nodes.settle();
  BOOST_TEST(alice.said() == error(1, code::not_delivered, R"("outcomes":{"bob":"offline"})"));
}

BOOST_AUTO_TEST_CASE(what_a_lost_node_has_not_answered_is_unknown) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  alice.write("{" + send_to_bob + "}");
  nodes[0].settle();
  nodes.cut(0, 1);
  nodes.settle();
  BOOST_TEST(alice.said() == error(1, code::not_delivered, R"("outcomes":{"bob":"unknown"})"));
  std::uint64_t counted = 0;
  for (auto& home : nodes[0].node.homes)
    counted += home->count
                   .messages[static_cast<std::size_t>(actors::message_kind::send)]
                            [static_cast<std::size_t>(protocol::outcome::unknown)]
                   .value();
  BOOST_TEST(counted == 1U);
  BOOST_TEST(alice.tell(send_to_bob) ==
             error(1, code::not_delivered, R"("outcomes":{"bob":"offline"})"));
}

BOOST_AUTO_TEST_CASE(received_is_confirmed_by_the_client_of_another_node) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  BOOST_TEST(alice.tell(send_to_bob + R"(,"confirm":"received")") == "");
  auto got = bob.said();
  auto at = got.find("\"message\":");
  BOOST_REQUIRE(at != std::string::npos);
  auto number = got.substr(at + 10, got.find(',', at) - at - 10);
  BOOST_TEST(bob.tell("\"type\":\"received\",\"message\":" + number) == "");
  BOOST_TEST(alice.said() == ok(1));
}

BOOST_AUTO_TEST_CASE(written_is_told_once_the_kernel_of_another_node_has_taken_it) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  bob.take_all();
  BOOST_TEST(alice.tell(send_to_bob + R"(,"confirm":"written")") == "");
  bob.take_all();
  nodes.settle();
  BOOST_TEST(alice.said() == ok(1));
}

BOOST_AUTO_TEST_CASE(an_update_of_another_node_reaches_watchers) {
  cluster nodes(2);
  client alice(nodes, 0, "alice");
  alice.tell(R"("type":"update","id":1,"group":"g","presence":"full")");
  nodes.settle_for(50ms);
  alice.said();
  {
    client bob(nodes, 1, "bob");
    nodes.settle_for(50ms);
    BOOST_TEST(alice.said() ==
               R"({"type":"presence","group":"g","version":2,"joined":{"bob":{"sessions":1}}})"
               "\n");
    bob.tell(R"("type":"update","group":"g","meta":{"x":1})");
    nodes.settle_for(50ms);
    BOOST_TEST(
        alice.said() ==
        R"({"type":"presence","group":"g","version":3,"updated":{"bob":{"meta":{"x":1},"sessions":1}}})"
        "\n");
  }
  nodes.settle_for(50ms);
  BOOST_TEST(alice.said() == R"({"type":"presence","group":"g","version":4,"left":["bob"]})"
                             "\n");
}

BOOST_AUTO_TEST_CASE(the_first_join_on_a_node_shows_the_roster_of_all) {
  cluster nodes(3);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  bob.tell(R"("type":"update","group":"g","meta":7)");
  recorder carol(nodes[2], 0, "carol");
  nodes.settle();
  carol.said();
  carol.write(R"({"type":"join","id":1,"group":"g","presence":"full"})");
  nodes.settle();
  auto answer = carol.said();
  BOOST_TEST(
      answer.find(
          R"("members":{"alice":{"sessions":1},"bob":{"meta":7,"sessions":1},"carol":{"sessions":1}})") !=
          std::string::npos,
      answer);
  carol.end();
}

BOOST_AUTO_TEST_CASE(meta_goes_with_the_last_session_wherever_that_is) {
  cluster nodes(2);
  client alice(nodes, 0, "alice");
  std::optional<client> one, two;
  one.emplace(nodes, 0, "bob"), two.emplace(nodes, 1, "bob");
  one->tell(R"("type":"update","group":"g","meta":1)");
  one.reset(); // its node's
  nodes.settle_for(50ms);
  auto roster = [&] { return alice.tell(R"("type":"roster","id":9,"group":"g")"); };
  BOOST_TEST(roster().find(R"("bob":{"meta":1,"sessions":1})") != std::string::npos);
  two.reset();
  nodes.settle_for(50ms);
  BOOST_TEST(roster().find("bob") == std::string::npos);
  two.emplace(nodes, 1, "bob");
  nodes.settle_for(50ms);
  BOOST_TEST(roster().find(R"("bob":{"sessions":1})") != std::string::npos);
}

// ---- a second session
// --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_newest_session_replaces_one_on_another_node) {
  cluster nodes(3, {{"g", session_policy::replace}});
  client watcher(nodes, 2, "watcher");
  watcher.tell(R"("type":"update","group":"g","presence":"full")");
  client one(nodes, 0, "bob");
  nodes.settle_for(100ms);
  watcher.said();
  client two(nodes, 1, "bob");
  nodes.settle_for(100ms);
  BOOST_TEST(one.said() == left("g", "replaced"));
  BOOST_TEST(two.said() == "");
  BOOST_TEST(watcher.said() == ""); // nobody sees a leave or a join
  BOOST_TEST(watcher.tell(send_to_bob) == ok(1));
  BOOST_TEST(two.said() == delivery("direct", R"("group":"g","from":"watcher")", "1", 200ms));
}

BOOST_AUTO_TEST_CASE(a_second_session_on_another_node_is_refused) {
  cluster nodes(2, {{"g", session_policy::reject}});
  client one(nodes, 0, "bob");
  recorder two(nodes[1], 0, "bob");
  nodes.settle();
  two.said();
  two.write(R"({"type":"join","id":1,"group":"g"})");
  nodes.settle();
  BOOST_TEST(two.said() == error(1, code::exists));
  BOOST_TEST(one.said() == "");
  two.end();
}

BOOST_AUTO_TEST_CASE(of_two_sessions_taken_apart_the_newest_stays_when_the_nodes_meet) {
  cluster nodes(2, {{"g", session_policy::reject}}, false);
  client one(nodes, 0, "bob");
  nodes.settle_for(10ms);
  client two(nodes, 1, "bob");
  nodes.connect(0, 1);
  nodes.settle();
  BOOST_TEST(one.said() == left("g", "replaced"));
  BOOST_TEST(two.said() == "");
}

BOOST_AUTO_TEST_CASE(what_one_sends_to_a_user_and_to_that_session_stays_in_order) {
  cluster nodes(2);
  recorder alice(nodes[0], 0, "alice"), bob(nodes[1], 0, "bob");
  nodes.settle();
  auto welcome = bob.said();
  auto start = welcome.find("\"session\":\"") + 11;
  auto session = welcome.substr(start, welcome.find('"', start) - start);
  alice.said();
  for (int i = 0; i < 10; ++i) {
    alice.write(R"({"type":"send","user":"bob","data":0})");
    alice.write(R"({"type":"send","session":")" + session + R"(","data":1})");
    alice.write(R"({"type":"request","id":1,"timeout_ms":50,"user":"bob","data":2})");
  }
  nodes.settle();
  std::string order;
  for (auto& f : bob.frames)
    order += f.json[f.json.size() - 2];
  std::string expected;
  for (int i = 0; i < 10; ++i)
    expected += "012";
  BOOST_TEST(order == expected);
  alice.end(), bob.end();
}

BOOST_AUTO_TEST_CASE(a_session_of_no_node_is_offline) {
  cluster nodes(2);
  client alice(nodes, 0, "alice");
  for (const std::string id : {"n1.0123456789abcdef", "n7.0123456789abcdef", "n0.0123456789abcdef",
                               ".0123456789abcdef", "0123456789abcdef", "n1.0123456789abcdeg"})
    BOOST_TEST(alice.tell(R"("type":"send","id":1,"session":")" + id + R"(","data":1)") ==
                   error(1, code::not_delivered, "\"outcomes\":{\"" + id + "\":\"offline\"}"),
               id);
}

// ---- publications
// ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_publication_reaches_all_nodes_and_counts_them) {
  cluster nodes(3);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob"), carol(nodes, 2, "carol"),
      dave(nodes, 2, "dave");
  BOOST_TEST(alice.tell(R"("type":"publish","id":1,"data":1,"except":["dave"])") ==
             ok(1, "\"count\":2"));
  BOOST_TEST(bob.said() == message("alice", "1"));
  BOOST_TEST(carol.said() == message("alice", "1"));
  BOOST_TEST(dave.said() == "");
  BOOST_TEST(alice.said() == "");
}

BOOST_AUTO_TEST_CASE(a_publication_is_one_record_per_node_with_members) {
  cluster nodes(3);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob"), carol(nodes, 1, "carol");
  alice.write(R"({"type":"publish","data":1})");
  nodes[0].settle();
  BOOST_TEST(nodes.on_the_way(0, 1) == 1U);
  BOOST_TEST(nodes.on_the_way(0, 2) == 0U);
  nodes.settle();
}

BOOST_AUTO_TEST_CASE(a_lost_node_is_left_out_of_the_count) {
  cluster nodes(3);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob"), carol(nodes, 2, "carol");
  alice.write(R"({"type":"publish","id":1,"data":1})");
  nodes[0].settle();
  nodes.cut(0, 2);
  nodes.settle();
  BOOST_TEST(alice.said() == ok(1, "\"count\":1"));
}

// ---- users, sessions, requests
// -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_user_is_reached_on_all_nodes) {
  cluster nodes(3);
  client alice(nodes, 0, "alice"), one(nodes, 1, "bob"), two(nodes, 2, "bob");
  BOOST_TEST(alice.tell(R"("type":"send","id":1,"user":"bob","data":1)") == ok(1));
  auto expected = delivery("direct", R"("from":"alice")", "1");
  BOOST_TEST(one.said() == expected);
  BOOST_TEST(two.said() == expected);
  one.end(), two.end();
  nodes.settle();
  BOOST_TEST(alice.tell(R"("type":"send","id":2,"user":"bob","data":1)") ==
             error(2, code::not_delivered, R"("outcomes":{"bob":"offline"})"));
}

BOOST_AUTO_TEST_CASE(a_session_is_reached_by_its_id_on_its_node) {
  cluster nodes(2);
  client alice(nodes, 0, "alice");
  recorder bob(nodes[1], 0, "bob");
  nodes.settle();
  auto welcome = bob.said();
  auto at = welcome.find("\"session\":\"") + 11;
  auto id = welcome.substr(at, welcome.find('"', at) - at);
  BOOST_TEST(id.starts_with("n1."));
  auto send = R"("type":"send","id":1,"data":1,"session":")" + id + '"';
  BOOST_TEST(alice.tell(send) == ok(1));
  BOOST_TEST(bob.said() == delivery("direct", R"("from":"alice")", "1"));
  bob.end();
  nodes.settle();
  BOOST_TEST(alice.tell(send) ==
             error(1, code::not_delivered, "\"outcomes\":{\"" + id + "\":\"offline\"}"));
}

/// What a request asks to be named in the reply.
std::string request_number(const std::string& got) {
  auto at = got.find("\"request\":");
  return at == std::string::npos ? "" : got.substr(at + 10, got.find(',', at) - at - 10);
}

BOOST_AUTO_TEST_CASE(a_request_is_answered_by_a_member_of_another_node) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  BOOST_TEST(alice.tell(R"("type":"request","id":1,"to":"bob","data":"?")") == "");
  auto number = request_number(bob.said());
  BOOST_TEST(bob.tell("\"type\":\"reply\",\"request\":" + number + ",\"data\":[1.0]") == "");
  BOOST_TEST(alice.said() == ok(1, R"("from":"bob","data":[1.0])"));
}

BOOST_AUTO_TEST_CASE(a_callee_of_another_node_that_ends_is_gone_at_once) {
  cluster nodes(2);
  client alice(nodes, 0, "alice");
  std::optional<client> bob;
  bob.emplace(nodes, 1, "bob");
  alice.tell(R"("type":"request","id":1,"to":"bob","data":"?")");
  bob.reset();
  nodes.settle();
  BOOST_TEST(alice.said() == error(1, code::callee_gone));
}

BOOST_AUTO_TEST_CASE(a_callee_whose_node_is_lost_is_gone_at_once) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  alice.tell(R"("type":"request","id":1,"to":"bob","data":"?")");
  nodes.cut(0, 1);
  nodes.settle();
  BOOST_TEST(alice.said() == error(1, code::callee_gone));
}

// ---- links
// -------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_lost_nodes_members_leave_at_once_and_come_back_with_it) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob"), carol(nodes, 1, "carol");
  alice.tell(R"("type":"update","group":"g","presence":"full")");
  nodes.settle_for(50ms);
  alice.said();
  nodes.cut(0, 1);
  nodes.settle_for(50ms);
  auto gone = alice.said();
  BOOST_TEST(gone.find(R"("left":["bob","carol"])") != std::string::npos, gone);
  nodes.connect(0, 1);
  nodes.settle_for(50ms);
  auto back = alice.said();
  BOOST_TEST(back.find(R"("joined":{"bob":{"sessions":1},"carol":{"sessions":1}})") !=
                 std::string::npos,
             back);
}

BOOST_AUTO_TEST_CASE(a_silent_node_is_lost_after_the_timeout) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  nodes.settle_for(10s);
  BOOST_TEST(nodes.connected(0, 1));
  nodes.freeze(1, 0);
  nodes.settle_for(3s);
  BOOST_TEST(!nodes.connected(0, 1));
  BOOST_TEST(alice.tell(send_to_bob) ==
             error(1, code::not_delivered, R"("outcomes":{"bob":"offline"})"));
}

BOOST_AUTO_TEST_CASE(what_is_left_of_an_earlier_link_changes_nothing) {
  cluster nodes(2);
  client alice(nodes, 0, "alice");
  std::optional<client> bob;
  bob.emplace(nodes, 1, "bob");
  std::string old;
  protocol::start_batch(old, 1); // the epoch of the first link
  protocol::append(old, protocol::member_record{"g", "ghost", 1, 1, {}, 0, false});
  nodes.cut(0, 1);
  nodes.settle();
  nodes.connect(0, 1);
  nodes.settle();
  caf::scoped_actor self(nodes[0].system());
  nodes[0].enter(0);
  nodes[0].arrive(caf::actor_cast<caf::actor>(self), nodes[0].node.hub, old);
  nodes.settle();
  BOOST_TEST(alice.tell(R"("type":"send","id":1,"to":"ghost","data":1)") ==
             error(1, code::not_delivered, R"("outcomes":{"ghost":"offline"})"));
}

BOOST_AUTO_TEST_CASE(a_node_that_says_goodbye_is_gone_at_once) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  caf::anon_send(nodes[1].node.hub, actors::leave_cluster{});
  nodes.settle();
  BOOST_TEST(!nodes.connected(0, 1));
  auto view = nodes[0].node.cluster.load();
  BOOST_REQUIRE(view->peers.size() == 1U);
  BOOST_TEST((view->peers[0].state == actors::peer_view::link::lost));
  BOOST_TEST(view->peers[0].last_error == "said goodbye");
}

BOOST_AUTO_TEST_CASE(what_went_to_a_node_and_came_from_it_is_counted_beyond_its_link) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  auto traffic = [&](std::size_t node) {
    nodes.cut(0, 1);
    nodes.settle();
    auto found = nodes[node].node.cluster.load()->peers.at(0).traffic;
    nodes.connect(0, 1);
    nodes.settle();
    return found;
  };
  auto before = traffic(0);
  auto again = traffic(0);
  BOOST_TEST(before.records_out > 0U);
  BOOST_TEST(again.records_out > before.records_out); // the roster is told anew
  alice.said();
  for (int i = 0; i < 5; ++i)
    alice.tell(R"("type":"publish","group":"g","data":1)");
  auto here = traffic(0), there = traffic(1);
  auto told_anew = again.records_out - before.records_out;
  BOOST_TEST(here.records_out == again.records_out + told_anew + 5);
  BOOST_TEST(there.records_in == here.records_out + told_anew);
  BOOST_TEST(there.bytes_in > here.bytes_out);
}

BOOST_AUTO_TEST_CASE(a_group_that_fails_takes_its_members_off_the_other_nodes) {
  cluster nodes(2);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  nodes[1].kill_group("g");
  nodes.settle();
  BOOST_TEST(alice.tell(send_to_bob) ==
             error(1, code::not_delivered, R"("outcomes":{"bob":"offline"})"));
}

// ---- bounds
// ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(messages_for_a_node_that_takes_nothing_are_overloaded_beyond_the_window) {
  actors::hub_options small;
  small.window_bytes = 64 * 1024;
  cluster nodes(2, {}, true, small);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  nodes.freeze(0, 1);
  auto big = '"' + std::string(10'000, 'x') + '"';
  for (int i = 1; i <= 10; ++i)
    alice.write(R"({"type":"send","to":"bob","id":)" + std::to_string(i) + ",\"data\":" + big +
                "}");
  nodes.settle();
  std::size_t overloaded = 0;
  auto said = alice.said();
  for (auto at = said.find("overloaded"); at != said.npos; at = said.find("overloaded", at + 1))
    ++overloaded;
  BOOST_TEST(overloaded == 4U); // six fit into 64 KiB
  nodes.freeze(0, 1, false);
  nodes.settle_for(1s);
  BOOST_TEST(alice.tell(send_to_bob) != "");
}

/// Another node's hub, of which node n0 is told only when the test says so.
struct late_node {
  late_node(cluster& nodes, std::string node_name)
      : place(nodes[0]), name(std::move(node_name)), hub(nodes[0].system()) {}
  /// A batch of its link of this epoch: that it has told all, and `filler` bytes.
  void say(std::uint64_t epoch, std::size_t filler = 0) {
    std::string batch;
    protocol::start_batch(batch, epoch);
    protocol::append(batch, protocol::synced_record{});
    if (filler)
      protocol::append(batch, protocol::member_record{.group = "g",
                                                      .uid = "x",
                                                      .sessions = 1,
                                                      .stamp = 1,
                                                      .meta = std::string(filler, 'x')});
    place.arrive(caf::actor_cast<caf::actor>(hub), place.node.hub, batch);
    place.settle();
  }
  /// The gate tells of the link. @returns whether it stands and all that was said over it is known
  bool link(std::uint64_t epoch) {
    caf::anon_send(place.node.hub, actors::link_up{.link = epoch,
                                                   .peer = name,
                                                   .incarnation = 1,
                                                   .epoch = epoch,
                                                   .hub = caf::actor_cast<caf::actor>(hub)});
    place.settle();
    for (auto& peer : place.node.cluster.load()->peers)
      if (peer.name == name)
        return peer.state == actors::peer_view::link::up;
    return false;
  }

  stage& place;
  std::string name;
  caf::scoped_actor hub;
};

BOOST_AUTO_TEST_CASE(only_the_link_whose_beginning_did_not_fit_is_made_again) {
  actors::hub_options small;
  small.window_bytes = 1024;
  cluster nodes(1, {}, false, small);
  late_node quiet(nodes, "quiet"), loud(nodes, "loud");
  quiet.say(77);
  for (int i = 0; i < 3; ++i)
    loud.say(78, 1000); // two windows in all
  BOOST_TEST(quiet.link(77));
  BOOST_TEST(!loud.link(78));
  loud.say(79);
  BOOST_TEST(loud.link(79));
}

BOOST_AUTO_TEST_CASE(what_came_before_its_link_is_kept_while_others_come_up_but_no_longer) {
  cluster nodes(1, {}, false);
  late_node first(nodes, "first"), second(nodes, "second"), third(nodes, "third");
  first.say(1);
  second.say(2);
  third.say(3);
  nodes.settle_for(1900ms);
  BOOST_TEST(first.link(1));
  BOOST_TEST(second.link(2)); // did not go with the first
  nodes.settle_for(600ms);
  BOOST_TEST(!third.link(3)); // nor did it begin anew
}

BOOST_AUTO_TEST_CASE(publications_beyond_the_window_are_told_as_a_gap) {
  actors::hub_options small;
  small.window_bytes = 64 * 1024;
  cluster nodes(2, {}, true, small);
  client alice(nodes, 0, "alice"), bob(nodes, 1, "bob");
  nodes.freeze(0, 1);
  auto big = '"' + std::string(10'000, 'x') + '"';
  for (int i = 0; i < 10; ++i)
    alice.write(R"({"type":"publish","data":)" + big + "}");
  nodes.settle();
  nodes.freeze(0, 1, false);
  nodes.settle_for(1s);
  auto said = bob.said();
  BOOST_TEST(said.find(gap("g", 4)) != std::string::npos, said.substr(said.size() - 200));
}

BOOST_AUTO_TEST_SUITE_END()
