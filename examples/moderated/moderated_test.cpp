#define BOOST_TEST_MODULE moderated
#include <beckon/testing.hpp>
#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

beckon::testing::group house(std::string slow = "0") {
  return beckon::testing::group(
      "moderated",
      {.options = {{"words", "spam scam"}, {"slow", std::move(slow)}, {"moderators", "alice"}}});
}

} // namespace

BOOST_AUTO_TEST_CASE(a_word_is_denied_however_it_is_written) {
  auto room = house();
  for (auto* said : {R"("spam")", R"({"text":"buy SpAm now"})", R"(["SCAM"])", R"("\u0073pam")"}) {
    BOOST_TEST(room["bob"].send("carol", said).code() == "bad_word");
    BOOST_TEST(room["bob"].publish(said).code() == "bad_word");
    BOOST_TEST(room["bob"].request("carol", said).code() == "bad_word");
  }
  BOOST_TEST(room["carol"].got().empty());
  BOOST_TEST(room["bob"].send("carol", R"("sp am")").outcome("carol") == "delivered");
}

BOOST_AUTO_TEST_CASE(without_options_everything_passes) {
  beckon::testing::group room("moderated");
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(room["bob"].publish(R"("spam")").ok());
}

BOOST_AUTO_TEST_CASE(slow_mode_lets_one_message_pass_in_its_time) {
  auto room = house("5");
  BOOST_TEST(room["bob"].publish("1").ok());
  room.advance(4990ms);
  BOOST_TEST(room["bob"].send("carol", "2").code() == "slow_mode");
  BOOST_TEST(room["carol"].send("bob", "3").ok());
  BOOST_TEST(room["alice"].publish("4").ok());
  BOOST_TEST(room["alice"].publish("5").ok());
  room.advance(10ms);
  BOOST_TEST(room["bob"].send("carol", "6").ok());
  BOOST_TEST(room["bob"].send("carol", "7").code() == "slow_mode");
}

BOOST_AUTO_TEST_CASE(who_is_denied_need_not_wait_for_it) {
  auto room = house("5");
  BOOST_TEST(room["bob"].publish(R"("spam")").code() == "bad_word");
  BOOST_TEST(room["bob"].publish("1").ok());
}

BOOST_AUTO_TEST_CASE(leaving_does_not_make_slow_mode_faster) {
  auto room = house("120");
  BOOST_TEST(room["bob"].publish("1").ok());
  room.advance(61s); // what is over is forgotten each minute; this is not
  room["bob"].leave();
  room["bob"].join();
  BOOST_TEST(room["bob"].publish("2").code() == "slow_mode");
  room.advance(60s);
  BOOST_TEST(room["bob"].publish("3").ok());
}

BOOST_AUTO_TEST_CASE(moderators_change_the_pace) {
  auto room = house();
  BOOST_TEST(room["bob"].call("slow", "60").code() == "denied");
  BOOST_TEST(room["alice"].call("slow", "60").ok());
  BOOST_TEST(room["bob"].publish("1").ok());
  BOOST_TEST(room["bob"].publish("2").code() == "slow_mode");
  for (auto* wrong : {"-1", "3601", "1.5", "null", "\"5\""})
    BOOST_TEST(room["alice"].call("slow", wrong).code() == "bad_request");
  BOOST_TEST(room["alice"].call("slow", "0").ok());
  BOOST_TEST(room["bob"].publish("3").ok());
}

BOOST_AUTO_TEST_CASE(moderators_ban_and_unban) {
  auto room = house();
  BOOST_TEST(room["bob"].call("ban", R"({"uid":"carol","seconds":60})").code() == "denied");
  BOOST_TEST(room["alice"].call("ban", R"({"uid":"bob","seconds":60})").ok());
  BOOST_TEST(room["bob"].got("left").size() == 1U);
  BOOST_TEST(room["bob"].join().code() == "denied");
  room.advance(60s);
  BOOST_TEST(room["bob"].join().ok());
  BOOST_TEST(room["alice"].call("ban", R"({"uid":"bob","seconds":3600})").ok());
  BOOST_TEST(room["alice"].call("unban", R"("bob")").ok());
  BOOST_TEST(room["bob"].join().ok());
  for (auto* wrong : {"null", "\"bob\"", R"({"uid":"bob"})", R"({"uid":"bob","seconds":0})",
                      R"({"uid":1,"seconds":60})", R"({"uid":"bob","seconds":1e30})",
                      R"({"uid":"bob","seconds":9223372036854775807})"})
    BOOST_TEST(room["alice"].call("ban", wrong).code() == "bad_request");
  BOOST_TEST(room["alice"].call("shout").code() == "not_found");
}
