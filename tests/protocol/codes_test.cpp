#include "protocol/codes.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

using namespace beckon::protocol;

namespace {

bool is_wire_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

constexpr std::size_t close_reason_bytes_max = 123; // RFC 6455, 5.5

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_codes)

BOOST_AUTO_TEST_CASE(every_code_has_a_name_of_its_own_and_a_sentence) {
  std::set<std::string_view> names, sentences;
  for (std::size_t i = 0; i < code_count; ++i) {
    auto c = static_cast<code>(i);
    BOOST_TEST(is_wire_name(name(c)), "code " << i);
    BOOST_TEST(!text(c).empty(), name(c));
    BOOST_TEST(names.insert(name(c)).second, name(c));
    BOOST_TEST(sentences.insert(text(c)).second, name(c));
  }
  BOOST_TEST(name(static_cast<code>(code_count)).empty(), "code_count leaves one out");
}

BOOST_AUTO_TEST_CASE(every_close_code_has_a_name_that_fits_into_a_close_frame) {
  std::set<std::string_view> names;
  for (auto c : close_codes) {
    BOOST_TEST(is_wire_name(name(c)));
    BOOST_TEST(name(c).size() <= close_reason_bytes_max);
    BOOST_TEST(names.insert(name(c)).second, name(c));
  }
  BOOST_TEST(std::ranges::is_sorted(close_codes));
}

BOOST_AUTO_TEST_CASE(outcomes_and_reasons_have_names_of_their_own) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < outcome_count; ++i)
    BOOST_TEST(names.insert(name(static_cast<outcome>(i))).second);
  BOOST_TEST(!names.contains(""));
  BOOST_TEST(name(static_cast<outcome>(outcome_count)).empty());

  BOOST_TEST(name(left_reason::kicked) == "kicked");
  BOOST_TEST(name(left_reason::replaced) == "replaced");
  BOOST_TEST(name(left_reason::group_closed) == "group_closed");
  BOOST_TEST(name(left_reason::group_failed) == "group_failed");
  BOOST_TEST(name(left_reason::denied) == "denied");
}

BOOST_AUTO_TEST_CASE(four_codes_count_as_misuse) {
  std::set<std::string> misuse;
  for (std::size_t i = 0; i < code_count; ++i)
    if (is_misuse(static_cast<code>(i)))
      misuse.emplace(name(static_cast<code>(i)));
  BOOST_TEST(misuse == (std::set<std::string>{"bad_json", "bad_request", "unauthenticated",
                                              "unknown_type"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
