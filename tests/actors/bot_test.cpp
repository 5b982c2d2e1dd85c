#include "actors/bot.hpp"

#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/simulation/cluster.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <string>

using namespace beckon;
using namespace beckon::testing;
using namespace std::chrono_literals;
using actors::bot_answer;
using actors::bot_delivery;
using protocol::code;

namespace {

/// Writes down what it gets, and does what the test says.
class scribe final : public actors::bot {
public:
  struct notes {
    std::string heard; ///< one line per event
    std::vector<std::uint64_t> requests;
    bool throws = false;
    scribe* self = nullptr;
    caf::error ended;
  };
  scribe(caf::actor_config& config, notes& n) : bot(config), notes_(n) {
    n.self = this;
    set_exit_handler([this](caf::exit_msg& exit) {
      notes_.ended = exit.reason;
      quit(exit.reason);
    });
  }
  ~scribe() override { notes_.self = nullptr; }

  using bot::ask;
  using bot::call;
  using bot::join;
  using bot::leave;
  using bot::publish;
  using bot::refuse;
  using bot::reply;
  using bot::send;
  using bot::write;

  /// A callback that writes down how the answer begins and what it says of `whom`.
  answered note(std::string whom = {}) {
    return [this, whom = std::move(whom)](const bot_answer& a) {
      auto& h = notes_.heard;
      h.append(a.ok ? "ok" : "error ").append(a.code);
      if (!whom.empty())
        h.append(" ").append(name_of(a.of(whom)));
      if (!a.data.bytes.empty())
        h.append(" ").append(a.from).append(" ").append(a.data.bytes);
      h += '\n';
    };
  }

protected:
  void on_ready() override { notes_.heard += "ready\n"; }
  void on_direct(const bot_delivery& d) override {
    if (notes_.throws)
      throw std::runtime_error("as the test wants");
    write_down("direct ", d);
  }
  void on_message(const bot_delivery& d) override { write_down("message ", d); }
  void on_request(const bot_delivery& d) override {
    write_down("request ", d);
    notes_.requests.push_back(d.number);
  }
  void on_presence(std::string_view json) override { notes_.heard.append(json) += '\n'; }
  void on_left(std::string_view group, std::string_view why) override {
    notes_.heard.append("left ").append(group).append(" ").append(why) += '\n';
  }
  void on_gap(std::string_view group, std::uint64_t lost) override {
    notes_.heard.append("gap ").append(group).append(" ").append(std::to_string(lost)) += '\n';
  }
  caf::behavior handlers() override {
    return {
        [this](const std::string& text) { notes_.heard.append("other ").append(text) += '\n'; }};
  }

private:
  static std::string_view name_of(protocol::outcome o) { return protocol::name(o); }
  void write_down(std::string_view what, const bot_delivery& d) {
    notes_.heard.append(what).append(d.group).append(" ").append(d.from).append(" ");
    notes_.heard.append(d.data.bytes) += '\n';
  }
  notes& notes_;
};

/// An actor that is no bot of ours.
class plain_actor final : public caf::event_based_actor {
public:
  plain_actor(caf::actor_config& config, std::string& got)
      : caf::event_based_actor(config), got_(got) {}
  caf::behavior make_behavior() override {
    return {[this](const actors::bot_frame& f) { got_.append(f.frame.payload()) += '\n'; }};
  }

private:
  std::string& got_;
};

/// Alice on one thread, and a bot in group g on another.
struct scene {
  explicit scene(const protocol::limits& bounds = stage::unlimited(),
                 std::vector<protocol::policy_rule> policies = {})
      : node(2, bounds, std::move(policies)) {
    alice.write(R"({"type":"join","group":"g","presence":"full"})");
    node.settle();
    start();
    alice.said();
  }
  ~scene() {
    if (bot)
      caf::anon_send_exit(bot, caf::exit_reason::kill);
    bot = nullptr;
    node.settle();
  }
  void start() {
    bot = actors::spawn_bot<scribe>(node.node, node.system(),
                                    {.uid = "bot", .groups = {"g"}, .home = 1}, notes);
    node.settle();
    BOOST_TEST(heard() == "ready\n");
  }
  std::string tell(const std::string& fields) {
    alice.write("{" + fields + "}");
    node.settle();
    return alice.said();
  }
  std::string heard() {
    node.settle();
    return std::exchange(notes.heard, {});
  }
  stage node;
  scribe::notes notes;
  recorder alice{node, 0, "alice", {"g"}};
  caf::actor bot;
};

} // namespace

BOOST_AUTO_TEST_SUITE(actors_bot)

BOOST_AUTO_TEST_CASE(the_roster_and_presence_mark_a_bot) {
  scene s;
  s.node.settle_for(50ms);
  auto said = s.alice.said();
  BOOST_TEST(said.find(R"("joined":{"alice":{"sessions":1},"bot":{"sessions":1,"bot":true}})") !=
             std::string::npos);
  BOOST_TEST(s.tell(R"("type":"roster","id":1)")
                 .find(R"({"alice":{"sessions":1},"bot":{"sessions":1,"bot":true}})") !=
             std::string::npos);
  BOOST_TEST(s.node.sum(&actors::counters::bots) == 1);
  BOOST_TEST(s.node.sum(&actors::counters::sessions) == 2);
}

BOOST_AUTO_TEST_CASE(a_bot_gets_what_a_member_gets) {
  scene s;
  BOOST_TEST(s.tell(R"("type":"send","id":1,"to":"bot","data":{"a": 1})") == ok(1));
  BOOST_TEST(s.tell(R"("type":"publish","id":2,"data":2)") == ok(2, "\"count\":1"));
  BOOST_TEST(s.tell(R"("type":"send","id":3,"user":"bot","data":3)") == ok(3));
  BOOST_TEST(s.heard() == "direct g alice {\"a\": 1}\nmessage g alice 2\ndirect  alice 3\n");
  caf::anon_send(s.bot, std::string("hello"));
  BOOST_TEST(s.heard() == "other hello\n");
}

BOOST_AUTO_TEST_CASE(names_and_opaque_payloads_reach_its_handlers_unescaped) {
  scene s;
  recorder odd(s.node, 0, "a\"b\\c", {"g"});
  s.node.settle();
  odd.write(R"({"type":"send","to":"bot","base64":"AAH/"})");
  BOOST_TEST(s.heard() == "direct g a\"b\\c " + std::string("\0\1\xff", 3) + "\n");
  s.notes.self->send("g", "x\"y", "1", s.notes.self->note("x\"y"));
  BOOST_TEST(s.heard() == "error not_delivered offline\n");
}

BOOST_AUTO_TEST_CASE(a_bot_says_opaque_payloads) {
  scene s;
  auto& bot = *s.notes.self;
  std::string bytes("\0\1\xff", 3);
  bot.send("g", "alice", {bytes, true});
  bot.publish("g", protocol::payload{bytes, true});
  s.node.settle();
  auto said = s.alice.said();
  BOOST_TEST(std::count(said.begin(), said.end(), '\n') == 2);
  BOOST_TEST(said.find(R"("base64":"AAH/"})") != said.rfind(R"("base64":"AAH/"})"));
  s.tell(R"("type":"request","id":1,"to":"bot","data":1)");
  bot.reply(s.notes.requests.at(0), protocol::payload{bytes, true});
  s.node.settle();
  BOOST_TEST(s.alice.said() == ok(1, R"("from":"bot","base64":"AAH/")"));
}

BOOST_AUTO_TEST_CASE(what_a_bot_says_is_one_value_and_one_frame) {
  scene s;
  s.notes.self->publish("g", "[1,\n2]");
  s.node.settle();
  BOOST_TEST(s.alice.said() == delivery("message", R"("group":"g","from":"bot")", "[1, 2]"));
  for (auto text : {R"(1,"group":"h")", "hello", "", "1\n2"})
    BOOST_CHECK_THROW(s.notes.self->publish("g", text), std::invalid_argument);
  BOOST_CHECK_THROW(s.notes.self->call("g", "x", "1}"), std::invalid_argument);
  BOOST_CHECK_THROW(s.notes.self->join("g", {.meta = "a"}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_bot_answers_requests_now_and_later) {
  scene s;
  BOOST_TEST(s.tell(R"("type":"request","id":1,"to":"bot","data":1)") == "");
  BOOST_TEST(s.tell(R"("type":"request","id":2,"to":"bot","data":2)") == "");
  BOOST_TEST(s.heard() == "request g alice 1\nrequest g alice 2\n");
  s.notes.self->refuse(s.notes.requests.at(1), "no", "not \"today\"");
  s.notes.self->reply(s.notes.requests.at(0), "[1]");
  s.node.settle();
  BOOST_TEST(s.alice.said() ==
             "{\"type\":\"error\",\"id\":2,\"code\":\"no\",\"message\":\"not \\\"today\\\"\"}\n" +
                 ok(1, R"("from":"bot","data":[1])"));
}

BOOST_AUTO_TEST_CASE(a_bot_sends_publishes_and_asks_and_hears_what_became_of_it) {
  scene s;
  auto& bot = *s.notes.self;
  std::string_view both[] = {"alice", "eve"};
  bot.send("g", both, "1", bot.note("eve"), {});
  bot.send("g", "alice", "2", bot.note("alice"));
  bot.publish("g", "3", [&](const bot_answer& a) { BOOST_TEST(a.count == 1U); });
  BOOST_TEST(s.heard() == "ok offline\nok delivered\n");
  auto head = std::string(R"("group":"g","from":"bot")");
  BOOST_TEST(s.alice.said() == delivery("direct", head, "1") + delivery("direct", head, "2") +
                                   delivery("message", head, "3"));
  bot.ask("g", "alice", "4", bot.note());
  s.node.settle();
  auto asked = s.alice.said();
  auto at = asked.find("\"request\":") + 10;
  s.tell(R"("type":"reply","data":5,"request":)" + asked.substr(at, asked.find(',', at) - at));
  BOOST_TEST(s.heard() == "ok alice 5\n");
  bot.call("g", "bid", "1", bot.note());
  BOOST_TEST(s.heard() == "error not_found\n");
}

BOOST_AUTO_TEST_CASE(a_bot_joins_and_leaves_under_any_name) {
  scene s;
  auto& bot = *s.notes.self;
  bot.join("h", {.as = "other", .meta = "{\"a\":1}", .presence = protocol::presence_mode::full},
           [&](const bot_answer& a) {
             BOOST_TEST(a.body.find(R"("other":{"meta":{"a":1},"sessions":1,"bot":true})") !=
                        std::string_view::npos);
           });
  s.node.settle_for(50ms);
  BOOST_TEST(s.heard().find("\"joined\":{\"other\"") != std::string::npos);
  bot.leave("h", bot.note());
  bot.publish("h", "1", bot.note());
  BOOST_TEST(s.heard() == "ok\nerror not_member\n");
}

BOOST_AUTO_TEST_CASE(written_and_received_mean_that_its_handler_has_returned) {
  scene s;
  s.alice.write(R"({"type":"send","id":1,"to":"bot","data":1,"confirm":"written"})");
  s.alice.write(R"({"type":"send","id":2,"to":"bot","data":2,"confirm":"received"})");
  s.alice.write(R"({"type":"send","id":3,"to":"bot","data":3})");
  s.node.settle_without(s.bot);
  BOOST_TEST(s.alice.said() == ok(3));
  s.node.settle();
  BOOST_TEST(s.heard() == "direct g alice 1\ndirect g alice 2\ndirect g alice 3\n");
  BOOST_TEST(s.alice.said() == ok(1) + ok(2));
}

BOOST_AUTO_TEST_CASE(a_slow_bot_is_bounded_and_told) {
  auto bounds = stage::unlimited();
  bounds.outbound_bytes_max = 2'000;
  scene s(bounds);
  s.alice.take_all();
  auto big = '"' + std::string(900, 'x') + '"';
  for (int id = 1; id <= 3; ++id)
    s.alice.write(std::string(R"({"type":"send","to":"bot","id":)")
                      .append(std::to_string(id))
                      .append(",\"data\":")
                      .append(big)
                      .append("}"));
  s.node.settle_without(s.bot);
  BOOST_TEST(s.alice.said() ==
             ok(1) + ok(2) + error(3, code::not_delivered, R"("outcomes":{"bot":"overloaded"})"));
  s.alice.write(R"({"type":"publish","id":4,"data":)" + big + "}");
  s.node.settle_without(s.bot);
  BOOST_TEST(s.alice.said() == ok(4, "\"count\":0"));
  BOOST_TEST(s.heard().ends_with("gap g 1\n"));
  BOOST_TEST(s.tell(R"("type":"send","id":5,"to":"bot","data":1)") == ok(5));
}

BOOST_AUTO_TEST_CASE(a_bot_that_handles_nothing_is_closed_as_slow) {
  scene s;
  s.alice.write(R"({"type":"send","id":1,"to":"bot","data":1})");
  s.node.settle_without(s.bot);
  auto wait = [&](std::chrono::milliseconds time) {
    s.node.pass(time);
    s.node.fire(1);
    s.node.settle_without(s.bot);
  };
  wait(9900ms);
  BOOST_TEST(s.node.sum(&actors::counters::bots) == 1);
  wait(200ms);
  BOOST_TEST(s.node.sum(&actors::counters::bots) == 0);
  s.node.settle();
  BOOST_TEST((s.notes.ended == actors::closed_for(protocol::close_code::slow_consumer)));
  s.node.settle_for(50ms);
  s.alice.said();
  BOOST_TEST(s.tell(R"("type":"send","id":2,"to":"bot","data":1)") ==
             error(2, code::not_delivered, R"("outcomes":{"bot":"offline"})"));
}

BOOST_AUTO_TEST_CASE(its_death_removes_it_and_settles_what_it_owed) {
  scene s;
  s.node.settle_for(50ms);
  s.alice.said();
  s.tell(R"("type":"request","id":1,"to":"bot","data":1)");
  s.alice.write(R"({"type":"send","id":2,"to":"bot","data":2,"confirm":"written"})");
  s.node.settle_without(s.bot);
  caf::anon_send_exit(s.bot, caf::exit_reason::kill);
  s.bot = nullptr;
  s.node.settle_for(50ms);
  auto said = s.alice.said();
  BOOST_TEST(said.find(error(1, code::callee_gone)) != std::string::npos);
  BOOST_TEST(said.find(R"("left":["bot"])") != std::string::npos);
  BOOST_TEST(s.tell(R"("type":"send","id":3,"to":"bot","data":2)") ==
             error(3, code::not_delivered, R"("outcomes":{"bot":"offline"})"));
  BOOST_TEST(s.node.sum(&actors::counters::bots) == 0);
  BOOST_TEST(s.node.sum(&actors::counters::sessions) == 1);
}

BOOST_AUTO_TEST_CASE(an_exception_in_a_handler_ends_the_bot_alone) {
  std::string told;
  scene s;
  s.node.node.bot_ended = [&](std::string_view uid, std::string_view why) {
    told.append(uid).append(": ").append(why);
  };
  s.notes.throws = true;
  s.tell(R"("type":"send","id":1,"to":"bot","data":1)");
  BOOST_TEST(s.tell(R"("type":"send","id":2,"to":"bot","data":1)") ==
             error(2, code::not_delivered, R"("outcomes":{"bot":"offline"})"));
  BOOST_TEST(told == "bot: as the test wants");
  BOOST_TEST(s.node.sum(&actors::counters::bots) == 0);
  s.notes.throws = false;
  s.start();
  BOOST_TEST(s.tell(R"("type":"send","id":3,"to":"bot","data":1)") == ok(3));
}

BOOST_AUTO_TEST_CASE(a_bot_whose_place_another_takes_is_told_and_lives_on) {
  scene s(stage::unlimited(), {{"g", protocol::session_policy::replace}});
  recorder newer(s.node, 0, "bot", {"g"});
  s.node.settle();
  BOOST_TEST(s.heard() == "left g replaced\n");
  BOOST_TEST(s.tell(R"("type":"send","id":1,"user":"bot","data":1)") == ok(1));
  BOOST_TEST(s.heard() == "direct  alice 1\n");
}

BOOST_AUTO_TEST_CASE(a_bot_that_may_not_be_is_ended) {
  scene s(stage::unlimited(), {{"g", protocol::session_policy::reject}});
  scribe::notes notes;
  auto second = actors::spawn_bot<scribe>(s.node.node, s.node.system(),
                                          {.uid = "bot", .groups = {"g"}, .home = {}}, notes);
  second = nullptr;
  s.node.settle();
  BOOST_TEST(!notes.self);
  BOOST_TEST((notes.ended == actors::closed_for(protocol::close_code::denied)));
}

BOOST_AUTO_TEST_CASE(a_draining_node_ends_its_bots_and_takes_no_more) {
  scene s;
  s.node.node.draining = true;
  s.node.enter(1).for_each_session([](actors::session& each) {
    if (each.is_bot())
      each.drain(0ms);
  });
  s.bot = nullptr;
  s.node.settle();
  BOOST_TEST((s.notes.ended == actors::closed_for(protocol::close_code::draining)));
  scribe::notes notes;
  auto late = actors::spawn_bot<scribe>(s.node.node, s.node.system(), {.uid = "late"}, notes);
  late = nullptr;
  s.node.settle();
  BOOST_TEST(notes.heard == "");
  BOOST_TEST((notes.ended == actors::closed_for(protocol::close_code::draining)));
}

BOOST_AUTO_TEST_CASE(a_bot_is_trusted_with_any_rate) {
  protocol::limits bounds;
  scene s(bounds);
  for (int i = 0; i < 1000; ++i)
    s.notes.self->publish("g", "1");
  s.node.settle();
  auto said = s.alice.said();
  BOOST_TEST(std::count(said.begin(), said.end(), '\n') == 1000);
}

BOOST_AUTO_TEST_CASE(what_it_writes_while_it_has_to_wait_is_bounded) {
  for (std::size_t frames : {3, 4, 5}) { // of a quarter of the bound each, less one byte
    scene s;
    auto slow = s.node.node.directory_of("h");
    s.notes.self->join("h");
    s.node.settle_without(slow);
    std::string line = R"({"type":"publish","group":"h","data":1})";
    line.resize(actors::bot_port::unread_bytes_max / 64 - actors::bot_port::text_bytes, ' ');
    for (std::size_t i = 0; i < frames * 16 + 1; ++i) // the session holds the first one itself
      s.notes.self->write(line);
    s.node.settle_without(slow);
    BOOST_TEST(s.node.sum(&actors::counters::bots) == (frames <= 4 ? 1 : 0));
    s.node.settle();
  }
}

BOOST_AUTO_TEST_CASE(empty_texts_that_are_not_read_are_bounded_as_well) {
  constexpr auto most = actors::bot_port::unread_bytes_max / actors::bot_port::text_bytes;
  for (std::size_t above : {0, 1}) {
    scene s;
    auto slow = s.node.node.directory_of("h");
    s.notes.self->join("h");
    s.node.settle_without(slow);
    s.notes.self->write(R"({"type":"publish","group":"h","data":1})"); // the session holds it back
    for (std::size_t i = 0; i < most + above; ++i)
      s.notes.self->write("");
    s.node.settle_without(slow);
    BOOST_TEST(s.node.sum(&actors::counters::bots) == (above ? 0 : 1));
    s.node.settle();
  }
}

BOOST_AUTO_TEST_CASE(what_is_too_large_for_any_queue_does_not_end_a_bot) {
  auto bounds = stage::unlimited();
  bounds.outbound_bytes_max = 2048;
  scene s(bounds);
  s.alice.take_all();
  auto large = "\"data\":\"" + std::string(3000, 'x') + '"';
  BOOST_TEST(s.tell(R"("type":"publish","id":1,"group":"g",)" + large) == ok(1, "\"count\":0"));
  BOOST_TEST(s.heard() == "gap g 1\n");
  s.node.settle_for(40s);
  BOOST_TEST(s.node.sum(&actors::counters::bots) == 1);
  s.alice.take_all();
  s.alice.said();
  BOOST_TEST(s.tell(R"("type":"publish","id":2,"group":"g","data":2)") == ok(2, "\"count\":1"));
  BOOST_TEST(s.heard() == "message g alice 2\n");
}

BOOST_AUTO_TEST_CASE(any_actor_can_be_attached) {
  scene s;
  std::string got;
  caf::actor plain = s.node.system().spawn<plain_actor>(got);
  auto port = actors::attach_bot(s.node.node, s.node.system(), plain, {.uid = "plain"});
  caf::anon_send(port, actors::bot_text{R"({"type":"join","id":1,"group":"g"})"});
  s.node.settle();
  BOOST_TEST(got.starts_with(R"({"type":"welcome")"));
  got.clear();
  caf::anon_send(port,
                 actors::bot_text{"{\"type\":\"send\",\"group\":\"g\",\"to\":\"bot\",\"data\":1}\n"
                                  "{\"type\":\"ping\"}"});
  s.node.settle();
  BOOST_TEST(s.heard() == "direct g plain 1\n");
  BOOST_TEST(got == "{\"type\":\"pong\"}\n");
  caf::anon_send_exit(plain, caf::exit_reason::kill);
  plain = port = nullptr;
  s.node.settle();
  BOOST_TEST(s.node.sum(&actors::counters::bots) == 1);
}

BOOST_AUTO_TEST_CASE(members_of_another_node_see_and_reach_a_bot) {
  cluster nodes(2);
  scribe::notes notes;
  auto bot = actors::spawn_bot<scribe>(nodes[1].node, nodes[1].system(),
                                       {.uid = "bot", .groups = {"g"}}, notes);
  nodes.settle();
  recorder alice(nodes[0], 0, "alice");
  alice.write(R"({"type":"join","id":1,"group":"g","presence":"full"})");
  nodes.settle();
  BOOST_TEST(alice.said().find(R"("bot":{"sessions":1,"bot":true})") != std::string::npos);
  alice.write(R"({"type":"send","id":2,"group":"g","to":"bot","data":1,"confirm":"received"})");
  alice.write(R"({"type":"request","id":3,"group":"g","to":"bot","data":2})");
  nodes.settle();
  BOOST_TEST(notes.heard == "ready\ndirect g alice 1\nrequest g alice 2\n");
  notes.self->reply(notes.requests.at(0), "3");
  nodes.settle();
  BOOST_TEST(alice.said() == ok(2) + ok(3, R"("from":"bot","data":3)"));
  caf::anon_send_exit(bot, caf::exit_reason::kill);
  bot = nullptr;
  nodes.settle_for(50ms);
  BOOST_TEST(alice.said().find(R"("left":["bot"])") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
