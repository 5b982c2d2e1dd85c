#include "net/utf8.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <string>

using namespace beckon::net;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(utf8)

static const std::string characters[] = {"a",
                                         "\x7f",
                                         "\xc2\x80",
                                         "\xdf\xbf",
                                         "\xe0\xa0\x80",
                                         "\xed\x9f\xbf",
                                         "\xee\x80\x80",
                                         "\xef\xbf\xbf",
                                         "\xf0\x90\x80\x80",
                                         "\xf4\x8f\xbf\xbf"};

BOOST_DATA_TEST_CASE(a_character_is_taken_at_every_place_of_a_word, data::make(characters), one) {
  for (std::size_t before = 0; before < 20; ++before) {
    auto text = std::string(before, 'x') + one + "tail";
    BOOST_TEST(is_utf8(text), "after " << before);
  }
}

BOOST_DATA_TEST_CASE(a_character_cut_off_is_not_wrong_yet, data::make(characters), one) {
  for (std::size_t cut = 1; cut < one.size(); ++cut) {
    auto whole = whole_characters("ab" + one.substr(0, cut));
    BOOST_TEST(whole.has_value());
    BOOST_TEST(whole.value_or(0) == 2U);
    BOOST_TEST(!is_utf8("ab" + one.substr(0, cut)));
  }
}

static const std::string wrong[] = {
    "\x80",
    "\xbf",
    "\xc0\x80",
    "\xc1\xbf",
    "\xe0\x80",
    "\xe0\x9f\xbf",
    "\xed\xa0\x80",
    "\xf0\x8f\xbf\xbf",
    "\xf4\x90\x80\x80",
    "\xf5",
    "\xff",
    "\xc2\x41",
    "\xe1\x80\x41",
    "\xf1\x80\x80\x41",
    "\xf1\x41",
    "\xed\xbf",
    "\xe1\x80\xc2\x80",
};

BOOST_DATA_TEST_CASE(what_is_wrong_is_wrong_at_every_place, data::make(wrong), bytes) {
  for (std::size_t before = 0; before < 20; ++before)
    BOOST_TEST(!whole_characters(std::string(before, 'x') + bytes + "tail").has_value(),
               "after " << before);
}

BOOST_AUTO_TEST_SUITE_END()
