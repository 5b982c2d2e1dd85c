#include "actors/audiences.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

using namespace beckon;
using namespace beckon::actors;
using protocol::interest_level;
using protocol::presence_mode;

namespace {

/// A roster of one session per call, on the home that is named.
struct people {
  seat& add(std::uint16_t home, interest_level interest, presence_mode presence) {
    seat s;
    auto id = static_cast<std::uint32_t>(++count);
    s.where = {id, 1, home};
    s.interest = interest;
    s.presence = presence;
    return members.add(id, "m" + std::to_string(id), s);
  }
  roster members;
  int count = 0;
};

/// The slots on a home, in order; empty where nobody is.
std::string slots(const audience& list) {
  std::vector<std::uint32_t> all;
  for (auto& seat : list ? *list : std::vector<audience_seat>{})
    all.push_back(seat.slot);
  std::sort(all.begin(), all.end());
  std::string text;
  for (auto slot : all)
    text += std::to_string(slot);
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_audiences)

BOOST_AUTO_TEST_CASE(each_kind_has_its_own_list_for_each_home) {
  people of;
  of.add(0, interest_level::full, presence_mode::none);
  of.add(0, interest_level::direct, presence_mode::full);
  of.add(2, interest_level::full, presence_mode::count);
  of.add(2, interest_level::full, presence_mode::full);
  audiences lists(3);
  auto& published = lists.of(audience_kind::publications, of.members);
  BOOST_TEST(published.size() == 3);
  BOOST_TEST(slots(published[0]) == "1");
  BOOST_TEST(!published[1]);
  BOOST_TEST(slots(published[2]) == "34");
  auto& full = lists.of(audience_kind::full_watchers, of.members);
  BOOST_TEST(slots(full[0]) == "2");
  BOOST_TEST(slots(full[2]) == "4");
  auto& count = lists.of(audience_kind::count_watchers, of.members);
  BOOST_TEST(!count[0]);
  BOOST_TEST(slots(count[2]) == "3");
}

BOOST_AUTO_TEST_CASE(the_lists_are_shared_until_they_are_invalid) {
  people of;
  of.add(0, interest_level::full, presence_mode::none);
  audiences lists(1);
  auto first = lists.of(audience_kind::publications, of.members)[0];
  auto& second = of.add(0, interest_level::full, presence_mode::none);
  BOOST_TEST((lists.of(audience_kind::publications, of.members)[0] == first));
  lists.invalidate();
  BOOST_TEST(slots(lists.of(audience_kind::publications, of.members)[0]) == "12");
  BOOST_TEST(slots(first) == "1"); // who holds it sees it as it was
  second.interest = interest_level::direct;
  lists.invalidate();
  BOOST_TEST(slots(lists.of(audience_kind::publications, of.members)[0]) == "1");
  of.members.remove(1);
  lists.invalidate();
  BOOST_TEST(!lists.of(audience_kind::publications, of.members)[0]);
}

BOOST_AUTO_TEST_SUITE_END()
