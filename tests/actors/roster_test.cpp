#include "actors/roster.hpp"

#include <boost/test/unit_test.hpp>
#include <ctime>
#include <string>

using namespace beckon;
using namespace beckon::actors;

namespace {

seat at(std::uint32_t slot) {
  seat s;
  s.where = {slot, 1, 0};
  return s;
}

std::string members(const roster& r, std::string_view joiner = {}) {
  return r.page({}, 100, joiner).members;
}

/// Of many members, all of them known to the watchers.
roster with_members(int count) {
  roster r;
  for (int i = 0; i < count; ++i)
    r.add(static_cast<caf::actor_id>(i + 1), "m" + std::to_string(1000 + i), at(1));
  r.flushed();
  return r;
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_roster)

BOOST_AUTO_TEST_CASE(a_member_stays_until_its_last_session_goes) {
  roster r;
  BOOST_TEST(r.empty());
  r.add(1, "bob", at(1));
  r.add(2, "bob", at(2));
  BOOST_TEST(r.members() == 1);
  BOOST_TEST(r.find("bob")->seats.size() == 2);
  BOOST_TEST(r.find(caf::actor_id{2})->of == r.find("bob"));
  r.remove(1);
  BOOST_TEST(r.members() == 1);
  BOOST_TEST(r.find(caf::actor_id{1}) == nullptr);
  BOOST_REQUIRE(r.find("bob"));
  BOOST_TEST(r.find("bob")->seats.front()->where.slot == 2);
  r.remove(2);
  BOOST_TEST(r.find("bob") == nullptr);
  BOOST_TEST(r.members() == 0);
  BOOST_TEST(r.empty());
}

BOOST_AUTO_TEST_CASE(meta_goes_with_the_last_session) {
  roster r;
  r.set_meta(*r.add(1, "bob", at(1)).of, "7");
  r.add(2, "bob", at(2));
  r.remove(1);
  BOOST_TEST(r.find("bob")->meta == "7");
  r.remove(2);
  r.add(3, "bob", at(3));
  BOOST_TEST(r.find("bob")->meta == "");
}

BOOST_AUTO_TEST_CASE(a_member_with_a_session_that_is_an_actor_is_marked) {
  roster r;
  auto bot = at(1);
  bot.is_bot = true;
  r.add(1, "bob", at(1));
  r.add(2, "bob", bot);
  r.set_far("carol", {.peer = 1, .sessions = 2, .is_bot = true});
  r.flushed();
  BOOST_TEST(members(r) ==
             R"({"bob":{"sessions":2,"bot":true},"carol":{"sessions":2,"bot":true}})");
  r.remove(2);
  r.set_far("carol", {.peer = 1, .sessions = 2});
  BOOST_TEST(!r.pending().empty()); // watchers are told
  r.flushed();
  BOOST_TEST(members(r) == R"({"bob":{"sessions":1},"carol":{"sessions":2}})");
}

BOOST_AUTO_TEST_CASE(a_member_of_many_sessions_loses_them_in_any_order) {
  roster r;
  auto bot = at(1);
  bot.is_bot = true;
  for (caf::actor_id id = 1; id <= 7; ++id)
    r.add(id, "bob", id == 2 ? bot : at(static_cast<std::uint32_t>(id)));
  for (caf::actor_id id : {4, 7, 1, 3}) {
    r.remove(id);
    BOOST_TEST(r.find(id) == nullptr);
  }
  std::uint32_t slots = 0;
  for (auto* s : r.find("bob")->seats)
    slots += s->where.slot;
  BOOST_TEST(slots == 1 + 5 + 6); // the bot's is 1
  BOOST_TEST(r.value_of(*r.find("bob")).is_bot);
  r.remove(2);
  BOOST_TEST(!r.value_of(*r.find("bob")).is_bot);
}

BOOST_AUTO_TEST_CASE(a_session_of_a_member_with_very_many_costs_what_one_of_a_few_does) {
  auto time = [](caf::actor_id sessions) { // of 1,000 that come and go while so many stay
    roster r;
    for (caf::actor_id id = 1; id <= sessions; ++id)
      r.add(id, "bob", at(1));
    auto began = std::clock();
    for (caf::actor_id id = 1'000'000; id < 1'001'000; ++id) {
      r.flushed();
      r.add(id, "bob", at(1));
      r.flushed();
      r.remove(id);
    }
    return static_cast<double>(std::clock() - began);
  };
  BOOST_TEST(time(100'000) < 50 * (time(10) + 100)); // one look at each would be 10,000 times
}

BOOST_AUTO_TEST_CASE(names_are_compared_byte_by_byte) {
  roster r;
  r.add(1, "Bob", at(1));
  r.add(2, "bob", at(2));
  r.add(3,
        "b\xc3\xb6"
        "b",
        at(3));
  BOOST_TEST(r.members() == 3);
  BOOST_TEST(r.find("BOB") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_page_shows_what_watchers_know) {
  roster r;
  r.set_meta(*r.add(1, "alice", at(1)).of, R"({"a":1})");
  r.add(2, "bob", at(2));
  BOOST_TEST(members(r) == "{}"); // nothing was flushed
  r.flushed();
  BOOST_TEST(members(r) == R"({"alice":{"meta":{"a":1},"sessions":1},"bob":{"sessions":1}})");
  r.set_meta(*r.find("alice"), "2");
  r.add(3, "alice", at(3));
  r.remove(2);
  r.add(4, "carol", at(4));
  BOOST_TEST(members(r) == R"({"alice":{"meta":{"a":1},"sessions":1},"bob":{"sessions":1}})");
  r.flushed();
  BOOST_TEST(members(r) == R"({"alice":{"meta":2,"sessions":2},"carol":{"sessions":1}})");
}

BOOST_AUTO_TEST_CASE(a_page_shows_the_joiner_as_it_is) {
  roster r;
  r.add(1, "alice", at(1));
  r.add(2, "bob", at(2));
  r.flushed();
  r.add(3, "carol", at(3));
  BOOST_TEST(members(r, "carol") ==
             R"({"alice":{"sessions":1},"bob":{"sessions":1},"carol":{"sessions":1}})");
  r.add(4, "bob", at(4));
  BOOST_TEST(members(r, "bob") == R"({"alice":{"sessions":1},"bob":{"sessions":2}})");
}

BOOST_AUTO_TEST_CASE(who_left_and_came_again_is_told_as_what_it_was_and_is) {
  roster r;
  r.set_meta(*r.add(1, "bob", at(1)).of, "1");
  r.flushed();
  r.remove(1);
  r.add(2, "bob", at(2));
  BOOST_REQUIRE(r.pending().size() == 1);
  BOOST_TEST(r.pending().at("bob").before->meta == "1");
  BOOST_TEST(members(r) == R"({"bob":{"meta":1,"sessions":1}})");
  r.flushed();
  BOOST_TEST(members(r) == R"({"bob":{"sessions":1}})");
}

BOOST_AUTO_TEST_CASE(a_page_ends_at_its_limit_and_names_where_the_next_begins) {
  auto r = with_members(5);
  for (std::size_t limit : {4, 5, 6}) {
    auto page = r.page({}, limit);
    BOOST_TEST(page.next == (limit < 5 ? "m1003" : ""));
  }
  auto rest = r.page("m1003", 4);
  BOOST_TEST(rest.members == R"({"m1004":{"sessions":1}})");
  BOOST_TEST(rest.next == "");
  BOOST_TEST(r.page("m1004", 4).members == "{}");
  BOOST_TEST(r.page("m1002x", 1).members ==
             R"({"m1003":{"sessions":1}})"); // who it names may have left
}

BOOST_AUTO_TEST_CASE(pages_together_are_the_roster) {
  auto r = with_members(100);
  r.remove(50);             // left, not told yet: on its page
  r.add(200, "aaa", at(1)); // came, not told yet: on none
  std::string all;
  std::string after;
  int pages = 0;
  do {
    auto page = r.page(after, 7);
    all += page.members.substr(1, page.members.size() - 2) + ',';
    after = page.next;
    ++pages;
  } while (!after.empty());
  all.pop_back();
  BOOST_TEST(pages == 15);
  BOOST_TEST('{' + all + '}' == members(with_members(100)));
}

BOOST_AUTO_TEST_CASE(a_page_stays_within_one_frame) {
  roster r;
  std::string meta = '"' + std::string(1022, 'm') + '"'; // the largest
  for (int i = 0; i < 100; ++i)
    r.set_meta(*r.add(static_cast<caf::actor_id>(i + 1),
                      std::string(124, 'u') + std::to_string(1000 + i), at(1))
                    .of,
               meta);
  r.flushed();
  auto page = r.page({}, 500);
  BOOST_TEST(page.members.size() <= protocol::roster_frame_bytes_max);
  BOOST_TEST(page.members.size() > roster_split_bytes);
  BOOST_TEST(!page.next.empty());
}

BOOST_AUTO_TEST_SUITE_END()
