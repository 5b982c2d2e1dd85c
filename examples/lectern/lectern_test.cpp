#define BOOST_TEST_MODULE lectern
#include <beckon/testing.hpp>
#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(only_the_host_speaks_to_everybody) {
  beckon::testing::group room("lectern", {.members = {"host", "alice"}});
  BOOST_TEST(room["host"].publish("1").ok());
  BOOST_TEST(room["alice"].got("message") == std::vector<std::string>{"1"});
  BOOST_TEST(room["alice"].publish("2").code() == "not_host");
  BOOST_TEST(room["host"].got().empty());
  BOOST_TEST(room["alice"].send("host", "3").ok());
}
