#include "actors/audiences.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <ctime>
#include <string>

using namespace beckon;
using namespace beckon::actors;
using protocol::interest_level;
using protocol::presence_mode;

namespace {

/// A group of one session per call, on the home that is named.
struct people {
  explicit people(std::size_t homes) : lists(homes) {}
  seat& add(std::uint16_t home, interest_level interest, presence_mode presence) {
    seat s;
    auto id = static_cast<std::uint32_t>(++count);
    s.where = {id, 1, home};
    s.interest = interest;
    s.presence = presence;
    auto& placed = members.add(id, "m" + std::to_string(id), s);
    lists.update(placed);
    return placed;
  }
  void remove(caf::actor_id id) {
    lists.remove(*members.find(id));
    members.remove(id);
  }
  void be_interested(seat& s, interest_level how) {
    s.interest = how;
    lists.update(s);
  }
  roster members;
  audiences lists;
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
  people of(3);
  of.add(0, interest_level::full, presence_mode::none);
  of.add(0, interest_level::direct, presence_mode::full);
  of.add(2, interest_level::full, presence_mode::count);
  of.add(2, interest_level::full, presence_mode::full);
  auto& published = of.lists.of(audience_kind::publications);
  BOOST_TEST(published.size() == 3);
  BOOST_TEST(slots(published[0]) == "1");
  BOOST_TEST(!published[1]);
  BOOST_TEST(slots(published[2]) == "34");
  auto& full = of.lists.of(audience_kind::full_watchers);
  BOOST_TEST(slots(full[0]) == "2");
  BOOST_TEST(slots(full[2]) == "4");
  auto& count = of.lists.of(audience_kind::count_watchers);
  BOOST_TEST(!count[0]);
  BOOST_TEST(slots(count[2]) == "3");
  BOOST_TEST(of.lists.watchers() == 3);
}

BOOST_AUTO_TEST_CASE(a_list_is_shared_until_somebody_enters_or_leaves_it) {
  people of(1);
  auto published = [&] { return of.lists.of(audience_kind::publications)[0]; };
  of.add(0, interest_level::full, presence_mode::none);
  auto first = published();
  BOOST_TEST((published() == first));
  auto& second = of.add(0, interest_level::full, presence_mode::none);
  BOOST_TEST(slots(published()) == "12");
  BOOST_TEST(slots(first) == "1"); // who holds it sees it as it was
  of.be_interested(second, interest_level::direct);
  BOOST_TEST(slots(published()) == "1");
  auto before = published();
  second.presence = presence_mode::full;
  of.lists.update(second);
  BOOST_TEST((published() == before)); // nothing of it has changed
  of.remove(1);
  BOOST_TEST(!published());
  BOOST_TEST(of.lists.watchers() == 1);
  of.remove(2);
  BOOST_TEST(of.lists.watchers() == 0);
  BOOST_TEST(!of.lists.of(audience_kind::full_watchers)[0]);
}

BOOST_AUTO_TEST_CASE(whoever_leaves_from_the_middle_is_the_one_that_is_missing) {
  people of(1);
  for (int i = 0; i < 6; ++i)
    of.add(0, interest_level::full, presence_mode::full);
  for (auto [gone, left] : {std::pair(2, "13456"), {6, "1345"}, {1, "345"}, {4, "35"}}) {
    of.remove(static_cast<caf::actor_id>(gone));
    BOOST_TEST(slots(of.lists.of(audience_kind::publications)[0]) == left);
    BOOST_TEST(slots(of.lists.of(audience_kind::full_watchers)[0]) == left);
  }
}

BOOST_AUTO_TEST_CASE(a_toggle_of_interest_costs_the_same_however_many_there_are) {
  // 1,000 toggles, and a look at the list behind each, which nobody else is in: as a client may
  // make its group do that publishes to nobody.
  auto time = [](int seats) {
    people of(2);
    for (int i = 0; i < seats; ++i)
      of.add(0, interest_level::direct, presence_mode::full);
    auto& toggler = of.add(1, interest_level::direct, presence_mode::none);
    auto began = std::clock();
    for (int i = 0; i < 1'000; ++i) {
      of.be_interested(toggler, i % 2 ? interest_level::direct : interest_level::full);
      BOOST_REQUIRE((of.lists.of(audience_kind::publications)[1] == nullptr) == (i % 2 == 1));
    }
    return static_cast<double>(std::clock() - began);
  };
  BOOST_TEST(time(100'000) < 50 * (time(10) + 100)); // one look at each would be 10,000 times
}

BOOST_AUTO_TEST_SUITE_END()
