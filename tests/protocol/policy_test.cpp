#include "protocol/policy.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>
#include <vector>

using namespace beckon::protocol;

BOOST_AUTO_TEST_SUITE(protocol_policy)

BOOST_AUTO_TEST_CASE(a_pattern_describes_the_whole_name) {
  struct row {
    const char* pattern;
    const char* text;
    bool fits;
  };
  const row rows[] = {
      {"room", "room", true},
      {"room", "rooms", false},
      {"room", "roo", false},
      {"room", "Room", false},
      {"room-*", "room-", true},
      {"room-*", "room-42", true},
      {"room-*", "a room-42", false},
      {"*", "", true},
      {"*", "anything", true},
      {"**", "x", true},
      {"*-42", "room-42", true},
      {"*-42", "room-42-42", true},
      {"*-42", "room-4", false},
      {"a*c", "abc", true},
      {"a*c", "ac", true},
      {"a*c", "abcb", false},
      {"a*b*c", "a-b-b-c", true},
      {"a*b*c", "acb", false},
      {"", "", true},
      {"", "x", false},
      {"a", "", false},
      {"*a*", "bab", true},
      {"*a*", "bbb", false},
      {"?", "x", false},
      {"[a]", "a", false},
      {"\\*", "*", false},
      {"\xC3\xA4*", "\xC3\xA4pfel", true},
      {"*abab", "abaabab", true},
      {"a*", "a*", true},
  };
  for (const auto& r : rows)
    BOOST_TEST(matches(r.pattern, r.text) == r.fits, r.pattern << " on " << r.text);
}

BOOST_AUTO_TEST_CASE(many_stars_do_not_make_it_slow) {
  std::string pattern;
  for (int i = 0; i < 100; ++i)
    pattern += "a*";
  pattern += 'b';
  auto started = std::chrono::steady_clock::now();
  BOOST_TEST(!matches(pattern, std::string(200, 'a')));
  // A matcher that tries every split takes longer than the universe has existed.
  BOOST_TEST((std::chrono::steady_clock::now() - started < std::chrono::seconds(1)));
}

BOOST_AUTO_TEST_CASE(the_first_rule_that_matches_wins) {
  const std::vector<policy_rule> rules{{"room-1", session_policy::reject},
                                       {"room-*", session_policy::replace},
                                       {"*", session_policy::reject}};
  BOOST_TEST((policy_for(rules, "room-1") == session_policy::reject));
  BOOST_TEST((policy_for(rules, "room-2") == session_policy::replace));
  BOOST_TEST((policy_for(rules, "hall") == session_policy::reject));
}

BOOST_AUTO_TEST_CASE(without_a_rule_every_session_of_a_member_is_reached) {
  BOOST_TEST((policy_for({}, "room") == session_policy::multi));
  const std::vector<policy_rule> rules{{"hall", session_policy::reject}};
  BOOST_TEST((policy_for(rules, "room") == session_policy::multi));
}

BOOST_AUTO_TEST_CASE(policies_are_named_as_in_the_configuration) {
  BOOST_TEST(name(session_policy::multi) == "multi");
  BOOST_TEST(name(session_policy::replace) == "replace");
  BOOST_TEST(name(session_policy::reject) == "reject");
}

BOOST_AUTO_TEST_SUITE_END()
