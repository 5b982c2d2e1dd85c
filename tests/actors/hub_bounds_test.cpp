// Nothing that is said on a node makes a batch that another's gate cuts the link at: the wires of
// these nodes end at one that is longer than protocol::batch_bytes_max.

#include "actors/hub.hpp"
#include "beckon/behaviour.hpp"
#include "protocol/delivery.hpp"
#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/simulation/cluster.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace beckon;
using namespace beckon::testing;
using namespace std::chrono_literals;
using protocol::code;

namespace {

const std::string head_of_bob = R"({"type":"send","id":1,"group":"g","to":"bob")";

/// Two nodes, alice on the one, bob on the other, with room for long messages.
struct pair_of_nodes {
  explicit pair_of_nodes(bool behaves = false) {
    for (std::size_t i = 0; i < 2; ++i) {
      nodes[i].node.bounds.outbound_bytes_max = 64 * 1024 * 1024;
      nodes[i].node.bounds.reserve_bytes_max = 64 * 1024 * 1024;
      if (!behaves)
        continue;
      nodes[i].node.known_behaviours.add<shouting>("shouting");
      nodes[i].node.chosen_behaviours = std::make_shared<const actors::behaviour_settings>(
          actors::behaviour_settings{{{.behaviour = "shouting", .pattern = "g"}}, {}});
    }
    alice.emplace(nodes[0], 0, "alice", std::vector<std::string>{"g"});
    bob.emplace(nodes[1], 0, "bob", std::vector<std::string>{"g"});
    nodes.settle();
    alice->said(), bob->said();
  }
  ~pair_of_nodes() { alice->end(), bob->end(); }

  /// Says what no node can carry in one record, in every way that behaviours have.
  struct shouting final : behaviour {
    verdict calling(beckon::group& g, const call& c) override {
      std::string name(2 * protocol::record_bytes_max, 'x');
      auto json = '"' + name + '"';
      if (c.name == "kick")
        g.kick(name), g.ban(name, 1h), g.unban(name);
      else if (c.name == "except")
        g.publish("1", {.except = name});
      else if (c.name == "publish")
        g.publish(json);
      else if (c.name == "from")
        g.deliver("bob", "1", {.from = name});
      else if (c.name == "deliver")
        g.deliver("bob", json);
      return answer_with();
    }
    verdict joining(beckon::group&, beckon::joining& j) override {
      if (j.uid == "meta")
        j.changed_meta = '"' + std::string(2 * protocol::record_bytes_max, 'x') + '"';
      return pass();
    }
    verdict requesting(beckon::group&, message&) override {
      return answer_with('"' + std::string(2 * protocol::record_bytes_max, 'x') + '"');
    }
  };

  std::string tell(recorder& who, std::string message, bool is_text = true) {
    who.write(std::move(message), is_text);
    nodes.settle();
    return who.said();
  }
  /// The link stands, and carries what is said now.
  void check() {
    BOOST_TEST_REQUIRE(nodes.connected(0, 1));
    alice->said(), bob->said();
    BOOST_TEST(tell(*alice, head_of_bob + R"(,"data":7})") == ok(1));
    BOOST_TEST(bob->said().find(R"("data":7})") != std::string::npos);
  }

  cluster nodes{2};
  std::optional<recorder> alice, bob;
};

std::string json_string(std::size_t bytes) {
  return '"' + std::string(bytes - 2, 'x') + '"';
}

/// A message of so many bytes in all, with an opaque payload.
std::string binary_message(const std::string& header, std::size_t bytes) {
  std::string message{static_cast<char>(header.size() >> 8), static_cast<char>(header.size())};
  message += header;
  return message + std::string(bytes - message.size(), '\xff');
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_hub_bounds)

BOOST_AUTO_TEST_CASE(the_longest_message_of_a_client_crosses) {
  pair_of_nodes of;
  auto start = head_of_bob + R"(,"data":)";
  auto data = json_string(protocol::crossing_bytes_max - start.size() - 1);
  BOOST_TEST(of.tell(*of.alice, start + data + "}") == ok(1));
  BOOST_TEST((of.bob->said() == delivery("direct", R"("group":"g","from":"alice")", data)));
  of.check();
}

BOOST_AUTO_TEST_CASE(the_longest_binary_message_crosses_in_the_form_that_the_other_is_made_of) {
  pair_of_nodes of;
  auto message = binary_message(head_of_bob + "}", protocol::crossing_bytes_max);
  BOOST_TEST(of.tell(*of.alice, message, false) == ok(1));
  auto got = of.bob->said(); // as text: bob did not ask for the other
  auto start = R"({"type":"direct","group":"g","from":"alice","at":)" +
               std::to_string(stage::wall_ms_at_start) + R"(,"base64":")";
  BOOST_TEST(got.starts_with(start), got.substr(0, 200));
  BOOST_TEST(got.ends_with("\"}\n"));
  auto payload = protocol::crossing_bytes_max - 2 - head_of_bob.size() - 1;
  BOOST_TEST(got.size() == start.size() + (payload + 2) / 3 * 4 + 3);
  of.tell(*of.bob, R"({"type":"hello","binary":true})");
  BOOST_TEST(of.tell(*of.alice, message, false) == ok(1));
  auto again = of.bob->said();
  BOOST_TEST(again.size() < protocol::record_bytes_max);
  BOOST_TEST(again.ends_with(std::string(1000, '\xff') + '\n'));
  of.check();
}

BOOST_AUTO_TEST_CASE(the_longest_names_take_their_part_of_the_record) {
  pair_of_nodes of;
  for (std::size_t i = 0; i < 2; ++i)
    of.nodes[i].node.bounds.group_bytes_max = of.nodes[i].node.bounds.uid_bytes_max =
        1024;                  // as net/limit_options.cpp allows
  std::string name(1024, '"'); // each needs an escape
  recorder from(of.nodes[0], 0, name, {name}), to(of.nodes[1], 0, name, {name});
  of.nodes.settle();
  from.said(), to.said();
  auto start = R"({"type":"publish","id":1,"group":)" + [&] {
    std::string quoted;
    protocol::append_quoted(quoted, name);
    return quoted;
  }() + R"(,"data":)";
  auto data = json_string(protocol::crossing_bytes_max - start.size() - 1);
  BOOST_TEST(of.tell(from, start + data + "}") == ok(1, "\"count\":1"));
  BOOST_TEST(to.said().size() > data.size());
  from.end(), to.end();
  of.check();
}

BOOST_AUTO_TEST_CASE(a_message_that_is_longer_is_overloaded_and_nothing_else) {
  pair_of_nodes of; // whose sessions do not know the limit of net's sockets
  auto data = json_string(protocol::record_bytes_max);
  BOOST_TEST(of.tell(*of.alice, head_of_bob + R"(,"data":)" + data + "}") ==
             error(1, code::not_delivered, R"("outcomes":{"bob":"overloaded"})"));
  BOOST_TEST(of.bob->said() == "");
  of.check();
}

BOOST_AUTO_TEST_CASE(a_publication_that_is_longer_is_a_gap) {
  pair_of_nodes of;
  auto data = json_string(protocol::record_bytes_max);
  BOOST_TEST(of.tell(*of.alice, R"({"type":"publish","id":2,"group":"g","data":)" + data + "}") ==
             ok(2, "\"count\":0"));
  BOOST_TEST(of.bob->said() == gap("g", 1));
  of.check();
}

BOOST_AUTO_TEST_CASE(a_reply_that_is_longer_is_told_as_too_large) {
  pair_of_nodes of;
  of.tell(*of.alice, R"({"type":"request","id":3,"group":"g","to":"bob","data":1})");
  auto asked = of.bob->said();
  auto at = asked.find("\"request\":") + 10;
  of.tell(*of.bob, R"({"type":"reply","request":)" + asked.substr(at, asked.find(',', at) - at) +
                       ",\"data\":" + json_string(protocol::record_bytes_max) + "}");
  BOOST_TEST(of.alice->said() == error(3, code::too_large));
  of.check();
}

BOOST_AUTO_TEST_CASE(gaps_of_many_groups_leave_in_many_batches) {
  pair_of_nodes of;
  constexpr std::size_t groups = 10'000; // with 200 bytes of name each, more than a batch
  actors::far_publication lost{.what = {}, .group = {}, .peers = {1}};
  lost.what.what.text = protocol::encode_text(json_string(actors::link_window_bytes + 1));
  of.nodes[0].enter(0);
  for (std::size_t i = 0; i < groups; ++i) {
    lost.group = std::string(195, 'g') + std::to_string(10'000 + i);
    caf::anon_send(of.nodes[0].node.hub, lost);
  }
  static_assert(groups * 200 > protocol::batch_bytes_max);
  of.nodes[0].settle_for(600ms); // a heartbeat tells them
  BOOST_TEST(of.nodes.on_the_way(0, 1) >= groups * 200 / protocol::batch_bytes);
  of.nodes.settle();
  of.check();
}

BOOST_AUTO_TEST_CASE(what_behaviours_say_does_not_cut_a_link) {
  pair_of_nodes of(true);
  for (std::string_view name : {"kick", "except", "publish", "from", "deliver"}) {
    auto call = R"({"type":"call","id":4,"group":"g","name":")" + std::string(name) + "\"}";
    BOOST_TEST_CONTEXT(name) {
      of.tell(*of.alice, call);
      of.check();
    }
  }
  recorder meta(of.nodes[0], 0, "meta", {"g"});
  of.nodes.settle();
  of.check();
  BOOST_TEST(of.tell(*of.alice, R"({"type":"request","id":3,"group":"g","to":"bob","data":1})") !=
             "");
  of.check();
  meta.end();
}

BOOST_AUTO_TEST_SUITE_END()
