#include "protocol/names.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace beckon::protocol;
using namespace std::string_literals;

namespace {
const limits bounds;
}

BOOST_AUTO_TEST_SUITE(protocol_names)

BOOST_AUTO_TEST_CASE(a_name_is_as_long_as_its_limit_allows) {
  BOOST_TEST(!is_uid("", bounds));
  BOOST_TEST(is_uid("a", bounds));
  BOOST_TEST(is_uid(std::string(127, 'a'), bounds));
  BOOST_TEST(is_uid(std::string(128, 'a'), bounds));
  BOOST_TEST(!is_uid(std::string(129, 'a'), bounds));

  BOOST_TEST(!is_group_name("", bounds));
  BOOST_TEST(is_group_name(std::string(199, 'a'), bounds));
  BOOST_TEST(is_group_name(std::string(200, 'a'), bounds));
  BOOST_TEST(!is_group_name(std::string(201, 'a'), bounds));

  limits narrow;
  narrow.uid_bytes_max = 3;
  BOOST_TEST(is_uid("abc", narrow));
  BOOST_TEST(!is_uid("abcd", narrow));
  BOOST_TEST(!is_uid("\xc3\xa9\xc3\xa9", narrow), "bytes are counted, not characters");
}

BOOST_AUTO_TEST_CASE(control_characters_are_refused_wherever_they_stand) {
  for (int c = 0; c < 0x100; ++c) {
    bool allowed = c >= 0x20 && c < 0x7F;
    auto byte = static_cast<char>(c);
    BOOST_TEST(is_uid("ab"s + byte + "c", bounds) == allowed, "byte " << c);
    BOOST_TEST(is_group_name("ab"s + byte, bounds) == allowed, "byte " << c);
  }
  for (int c = 0x80; c < 0xC0; ++c) // U+0080 to U+00BF: the first half is C1
    BOOST_TEST(is_uid("a\xc2"s + static_cast<char>(c), bounds) == (c >= 0xA0),
               "U+00" << std::hex << c);
}

BOOST_AUTO_TEST_CASE(a_leading_dollar_is_reserved) {
  BOOST_TEST(!is_uid("$", bounds));
  BOOST_TEST(!is_uid("$sys", bounds));
  BOOST_TEST(!is_group_name("$sys", bounds));
  BOOST_TEST(is_uid("a$", bounds));
}

BOOST_AUTO_TEST_CASE(the_rest_of_unicode_is_legal) {
  for (std::string_view uid :
       {"*", "/", "a b", "room/42", "\"", "\\", "<script>", "\xe2\x80\xae right to left",
        "e\xcc\x81 not NFC", "\xf0\x9f\x98\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    BOOST_TEST(is_uid(uid, bounds), uid);
}

BOOST_AUTO_TEST_CASE(what_is_no_utf8_is_refused) {
  for (std::string_view uid :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "a\xc3", "\xc3(", "\xe0\x9f\xbf",
        "\xe1\x80", "\xe1\x80(", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf1\x80\x80",
        "\xf1\x80\x80(", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xfe"})
    BOOST_TEST(!is_uid(uid, bounds), uid);
}

BOOST_AUTO_TEST_CASE(an_error_code_is_a_short_word) {
  BOOST_TEST(!is_error_code(""));
  BOOST_TEST(is_error_code("a"));
  BOOST_TEST(is_error_code("no_seats_2"));
  BOOST_TEST(is_error_code(std::string(63, 'a')));
  BOOST_TEST(is_error_code(std::string(64, 'a')));
  BOOST_TEST(!is_error_code(std::string(65, 'a')));
  for (auto code : {"No", "a-b", "a b", "\xc3\xa9", "a\n", "a."})
    BOOST_TEST(!is_error_code(code), code);
}

BOOST_AUTO_TEST_SUITE_END()
