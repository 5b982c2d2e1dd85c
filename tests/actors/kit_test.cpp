#include "beckon/behaviour.hpp"
#include "beckon/bot.hpp"
#include "beckon/testing.hpp"

#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

/// Greets, answers later, counts, fails.
class sample final : public beckon::behaviour {
public:
  explicit sample(const beckon::settings& options) : greeting_(options.get("greeting", "hello")) {}
  void joined(beckon::group& g, const beckon::member& who) override {
    g.deliver(who.uid, {beckon::testing::json_string(greeting_)});
  }
  beckon::verdict sending(beckon::group&, beckon::message& m) override {
    if (m.data().bytes == "\"fail\"")
      throw std::runtime_error("as the test wants");
    return ++sent_, beckon::pass();
  }
  beckon::verdict calling(beckon::group& g, const beckon::call& c) override {
    if (c.name == "count")
      return beckon::answer_with(std::to_string(sent_));
    if (c.name == "log")
      return g.log("written"), beckon::answer_with();
    g.after(1s, [&g, who = c.who] { g.answer(who, {"\"late\""}); });
    return beckon::later();
  }

private:
  std::string greeting_;
  int sent_ = 0;
};

class echo final : public beckon::bot {
public:
  using bot::bot;
  void on_direct(const beckon::bot_delivery& d) override { send(d.group, d.from, d.data.bytes); }
};

beckon::behaviours known() {
  beckon::behaviours all;
  all.add<sample>("sample");
  all.add<sample>("other");
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_kit)

BOOST_AUTO_TEST_CASE(a_group_has_three_members_that_send_and_get) {
  beckon::testing::group room(known(), "sample", {.options = {{"greeting", "hi \"you\""}}});
  BOOST_TEST(room["bob"].got("direct") == strings{R"("hi \"you\"")"});
  auto sent = room["alice"].send({"bob", "dave"}, R"({"a":0.10, "a": 1})");
  BOOST_TEST(sent.ok());
  BOOST_TEST(sent.outcome("bob") == "delivered");
  BOOST_TEST(sent.outcome("dave") == "offline");
  auto got = room["bob"].got();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST(got[0].from == "alice");
  BOOST_TEST(got[0].data == R"({"a":0.10, "a": 1})");
  BOOST_TEST(room["bob"].got().empty());
  BOOST_TEST(room["carol"].publish("7").data() == "2");
  BOOST_TEST(room["alice"].got("message") == strings{"7"});
}

BOOST_AUTO_TEST_CASE(time_passes_only_when_it_is_told_to) {
  beckon::testing::group room(known(), "sample");
  auto asked = room["alice"].call("later");
  room.advance(990ms);
  BOOST_TEST(!asked.came());
  room.advance(10ms);
  BOOST_TEST(asked.ok());
  BOOST_TEST(asked.data() == "\"late\"");
}

BOOST_AUTO_TEST_CASE(a_failure_costs_the_state_and_is_told) {
  beckon::testing::group room(known(), "sample");
  room["alice"].send("bob", "1");
  BOOST_TEST(room["alice"].call("count").data() == "1");
  BOOST_TEST(room["alice"].send("bob", "\"fail\"").code() == "internal");
  BOOST_TEST(room.log() == strings{"failed: sending as the test wants"});
  BOOST_TEST(room["alice"].call("count").data() == "0");
  room["alice"].call("log");
  BOOST_TEST(room.log() == strings{"said: written"});
}

BOOST_AUTO_TEST_CASE(members_come_go_and_come_again) {
  beckon::testing::group room(known(), "sample", {.members = {}, .name = "elsewhere"});
  auto [alice, joined] = room.join("alice");
  BOOST_TEST(joined.ok());
  auto [again, second] = room.join("alice");
  BOOST_TEST(second.ok());
  BOOST_TEST(room.join("bob").second.ok());
  alice.disconnect();
  BOOST_TEST(room["bob"].send("alice", "1").ok());
  BOOST_TEST(again.got("direct").back() == "1");
  BOOST_TEST(again.leave().ok());
  BOOST_TEST(room["bob"].send("alice", "1").outcome("alice") == "offline");
  BOOST_CHECK_THROW(room["carol"], std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_group_that_has_ended_may_have_had_timers) {
  beckon::testing::group room(known(), "sample", {.members = {"alice"}});
  room["alice"].call("later");
  room["alice"].leave();
  room["alice"].join(); // another group, while the timer holds the first
  BOOST_TEST(room["alice"].got("direct").size() == 2U);
}

BOOST_AUTO_TEST_CASE(requests_are_answered_by_members) {
  beckon::testing::group room(known(), "sample");
  room["bob"].got();
  auto asked = room["alice"].request("bob", "1");
  auto got = room["bob"].got();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST(!asked.came());
  room["bob"].reply(got[0], "2");
  BOOST_TEST(asked.data() == "2");
}

BOOST_AUTO_TEST_CASE(another_behaviour_takes_over) {
  beckon::testing::group room(known(), "sample");
  auto swapped = room.swap("other", {{"greeting", "new"}});
  BOOST_TEST(swapped.behaviour == "other");
  BOOST_TEST(swapped.was == "sample");
  BOOST_TEST(room.join("dave").first.got("direct") == strings{"\"new\""});
  BOOST_CHECK_THROW(beckon::testing::group(known(), "none"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_behaviour_that_there_is_not_is_the_tests_mistake) {
  BOOST_CHECK_THROW(beckon::testing::group(known(), "sampel"), std::invalid_argument);
  beckon::testing::group room(known(), "sample");
  BOOST_CHECK_THROW(room.swap("sampel"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_bot_is_a_member) {
  beckon::testing::group room(known(), "sample");
  room["alice"].got();
  room.add_bot<echo>("echo");
  BOOST_TEST(room["alice"].send("echo", "5").ok());
  BOOST_TEST(room["alice"].got("direct") == strings{"5"});
}

BOOST_AUTO_TEST_SUITE_END()
