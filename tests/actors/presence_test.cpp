#include "actors/presence.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace beckon;
using namespace beckon::actors;

namespace {

seat anywhere() {
  seat s;
  s.where = {1, 1, 0};
  return s;
}

/// The frames, one per line.
std::string told(const roster& r, std::uint64_t version) {
  std::string all;
  for (auto& frame : presence_frames(r, R"("g")", version))
    all.append(frame.payload()) += '\n';
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_presence)

BOOST_AUTO_TEST_CASE(a_first_session_joins_a_last_one_leaves_everything_else_updates) {
  roster r;
  r.set_meta(*r.add(1, "alice", anywhere()).of, "1");
  r.add(2, "bob", anywhere());
  r.add(3, "carol", anywhere());
  BOOST_TEST(
      told(r, 0) ==
      R"({"type":"presence","group":"g","version":1,"joined":{"alice":{"meta":1,"sessions":1},)"
      R"("bob":{"sessions":1},"carol":{"sessions":1}}})"
      "\n");
  r.flushed();
  BOOST_TEST(told(r, 1) == "");
  r.set_meta(*r.find("alice"), "2");
  r.add(4, "bob", anywhere());
  r.remove(3);
  BOOST_TEST(told(r, 1) == R"({"type":"presence","group":"g","version":2,"left":["carol"],)"
                           R"("updated":{"alice":{"meta":2,"sessions":1},"bob":{"sessions":2}}})"
                           "\n");
}

BOOST_AUTO_TEST_CASE(what_came_and_went_within_a_window_is_in_no_list) {
  roster r;
  r.add(1, "alice", anywhere());
  r.remove(1);
  BOOST_TEST(told(r, 0) == "");
  r.add(2, "bob", anywhere());
  r.flushed();
  r.remove(2);
  r.add(3, "bob", anywhere());
  BOOST_TEST(told(r, 0) == "");
}

BOOST_AUTO_TEST_CASE(who_joins_and_is_updated_within_a_window_joined) {
  roster r;
  auto& bob = *r.add(1, "bob", anywhere()).of;
  r.set_meta(bob, "1");
  r.add(2, "bob", anywhere());
  BOOST_TEST(
      told(r, 0) ==
      R"({"type":"presence","group":"g","version":1,"joined":{"bob":{"meta":1,"sessions":2}}})"
      "\n");
}

BOOST_AUTO_TEST_CASE(what_changed_back_is_told_if_somebody_saw_it_in_between) {
  roster r;
  auto& bob = *r.add(1, "bob", anywhere()).of;
  r.flushed();
  r.shown(bob); // as watchers know him: nothing to tell
  BOOST_TEST(told(r, 1) == "");
  r.add(2, "bob", anywhere());
  r.shown(bob);
  r.remove(1);
  BOOST_TEST(told(r, 1) ==
             R"({"type":"presence","group":"g","version":2,"updated":{"bob":{"sessions":1}}})"
             "\n");
  r.flushed();
  BOOST_TEST(told(r, 2) == "");
}

BOOST_AUTO_TEST_CASE(many_changes_are_split_into_frames_each_with_its_version) {
  roster r;
  auto meta = '"' + std::string(1022, 'm') + '"';
  for (int i = 0; i < 100; ++i)
    r.set_meta(*r.add(static_cast<caf::actor_id>(i + 1),
                      std::string(124, 'u') + std::to_string(1000 + i), anywhere())
                    .of,
               meta);
  auto frames = presence_frames(r, R"("g")", 7);
  BOOST_TEST(frames.size() == 3);
  std::size_t joined = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    auto json = frames[i].payload();
    BOOST_TEST(json.size() <= protocol::roster_frame_bytes_max);
    BOOST_TEST(json.starts_with(R"({"type":"presence","group":"g","version":)" +
                                std::to_string(8 + i) + ','));
    for (auto at = json.find("\"sessions\""); at != json.npos;
         at = json.find("\"sessions\"", at + 1))
      ++joined;
  }
  BOOST_TEST(joined == 100);
}

BOOST_AUTO_TEST_CASE(the_window_grows_with_the_watchers) {
  auto ms = [](std::size_t watchers) { return presence_window(watchers).count(); };
  BOOST_TEST(ms(0) == 50);
  BOOST_TEST(ms(500) == 50);
  BOOST_TEST(ms(510) == 51);
  BOOST_TEST(ms(5'000) == 500);
  BOOST_TEST(ms(9'999) == 999);
  BOOST_TEST(ms(10'000) == 1'000);
  BOOST_TEST(ms(10'001) == 1'000);
  BOOST_TEST(ms(1'000'000) == 1'000);
}

BOOST_AUTO_TEST_CASE(a_full_frame_ends_the_window_after_a_quarter_of_it) {
  auto ms = [](std::size_t watchers) { return presence_window_if_full(watchers).count(); };
  BOOST_TEST(ms(0) == 50);
  BOOST_TEST(ms(2'000) == 50);
  BOOST_TEST(ms(10'000) == 250);
}

BOOST_AUTO_TEST_CASE(what_is_pending_is_counted_and_full_at_one_frame) {
  roster r;
  auto meta = '"' + std::string(998, 'm') + '"';
  auto& bob = *r.add(1, "bob", anywhere()).of;
  for (int i = 0; i < 1'000; ++i)
    r.set_meta(bob, meta); // one value, however often it is set
  BOOST_TEST(r.pending_bytes() == 3 + 1'000 + meta_key_bytes + change_bytes);
  r.add(2, "carol", anywhere());
  r.remove(2);
  BOOST_TEST(r.pending_bytes() == 3 + 1'000 + meta_key_bytes + change_bytes + 5 + change_bytes);
  r.flushed();
  BOOST_TEST(r.pending_bytes() == 0);
  r.remove(1);
  BOOST_TEST(r.pending_bytes() == 3 + change_bytes); // of one that left only its name is told
  r.flushed();
  for (auto& value : {std::string(), std::string("7"), meta}) { // none, a short and a long one
    for (caf::actor_id id = 10'000; !presence_is_full(r); ++id)
      r.set_meta(*r.add(id, "m" + std::to_string(id), anywhere()).of, value);
    auto frames = presence_frames(r, R"("g")", 0);
    BOOST_TEST(frames.size() == 1);
    BOOST_TEST(frames[0].payload().size() > roster_split_bytes * 9 / 10);
    r = roster();
  }
}

BOOST_AUTO_TEST_CASE(a_count_has_no_version) {
  BOOST_TEST(count_frame(R"("g")", 7).payload() == R"({"type":"presence","group":"g","count":7})");
}

BOOST_AUTO_TEST_SUITE_END()
