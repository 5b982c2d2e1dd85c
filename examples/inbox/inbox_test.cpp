#define BOOST_TEST_MODULE inbox
#include <beckon/behaviour.hpp>
#include <beckon/testing.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sqlite3.h>

using namespace std::chrono_literals;
using strings = std::vector<std::string>;
using beckon::testing::group;

namespace {

/// A file that is gone afterwards.
struct place {
  place() {
    std::string name = (std::filesystem::temp_directory_path() / "inbox-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~place() { std::filesystem::remove_all(folder); }
  group open(beckon::settings options = {}) const {
    options.set("file", (folder / "inbox.db").string());
    return group("inbox", {.options = std::move(options)});
  }
  std::filesystem::path folder;
};

/// Somebody else who writes, and takes long.
struct writer {
  explicit writer(const std::filesystem::path& folder) {
    sqlite3_open((folder / "inbox.db").c_str(), &file);
    sqlite3_exec(file, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  }
  ~writer() { sqlite3_close(file); }
  void run(const char* sql) const {
    BOOST_TEST(sqlite3_exec(file, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    BOOST_TEST(sqlite3_exec(file, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  sqlite3* file = nullptr;
};

std::string parked_for_bob(group& room, std::string_view json) {
  return room["alice"].send("bob", json).outcome("bob");
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_parked_comes_on_return_in_order_and_once) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  BOOST_TEST(parked_for_bob(room, R"({"n": 1})") == "parked");
  BOOST_TEST(room["carol"].send({"alice", "bob"}, "2").outcome("bob") == "parked");
  BOOST_TEST(room["alice"].got("direct") == strings{"2"});
  room.advance(10s);
  room["bob"].got();
  room["bob"].join();
  auto got = room["bob"].got();
  BOOST_TEST_REQUIRE(got.size() == 2U);
  BOOST_TEST(got[0].data == R"({"n": 1})");
  BOOST_TEST(got[0].from == "alice");
  auto sent_at = R"("at":)" + std::to_string(beckon::testing::stage::wall_ms_at_start);
  BOOST_TEST(got[0].json.find(sent_at) != std::string::npos);
  BOOST_TEST(got[1].data == "2");
  BOOST_TEST(got[1].from == "carol");
  room["bob"].leave();
  room["bob"].join();
  BOOST_TEST(room["bob"].got().empty());
}

BOOST_AUTO_TEST_CASE(opaque_bytes_are_kept_as_they_are) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  room["alice"].write("send", R"("to":"bob","base64":"AAH/")");
  room["bob"].join();
  auto got = room["bob"].got();
  BOOST_TEST_REQUIRE(got.size() == 1U);
  BOOST_TEST(got[0].json.find(R"("base64":"AAH/")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(for_strangers_nothing_is_kept) {
  place at;
  auto room = at.open();
  BOOST_TEST(room["alice"].send("dave", "1").outcome("dave") == "offline");
}

BOOST_AUTO_TEST_CASE(each_member_has_room_for_so_many_messages) {
  place at;
  auto room = at.open({{"messages", "2"}});
  room["bob"].leave();
  room["carol"].leave();
  BOOST_TEST(parked_for_bob(room, "1") == "parked");
  BOOST_TEST(parked_for_bob(room, "2") == "parked");
  BOOST_TEST(parked_for_bob(room, "3") == "overloaded");
  BOOST_TEST(room["alice"].send("carol", "4").outcome("carol") == "parked");
  room["bob"].join();
  BOOST_TEST(room["bob"].got("direct") == (strings{"1", "2"}));
  room["bob"].leave();
  BOOST_TEST(parked_for_bob(room, "5") == "parked");
}

BOOST_AUTO_TEST_CASE(each_member_has_room_for_so_many_bytes) {
  place at;
  auto room = at.open({{"bytes", "10"}});
  room["bob"].leave();
  BOOST_TEST(parked_for_bob(room, "12345678901") == "overloaded");
  BOOST_TEST(parked_for_bob(room, "1234567890") == "parked");
  BOOST_TEST(parked_for_bob(room, "1") == "overloaded");
}

BOOST_AUTO_TEST_CASE(it_outlives_the_group_and_the_server) {
  place at;
  {
    auto room = at.open();
    room["bob"].leave();
    BOOST_TEST(parked_for_bob(room, "1") == "parked");
    room["alice"].leave();
    room["carol"].leave();
    room["alice"].join();
    BOOST_TEST(parked_for_bob(room, "2") == "parked");
  }
  auto room = at.open();
  BOOST_TEST(room["bob"].got("direct") == (strings{"1", "2"}));
}

BOOST_AUTO_TEST_CASE(another_session_of_the_member_does_not_get_it_again) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  parked_for_bob(room, "1");
  room["bob"].join();
  auto [second, joined] = room.join("bob");
  BOOST_TEST(joined.ok());
  BOOST_TEST(room["bob"].got("direct") == strings{"1"});
  BOOST_TEST(second.got().empty());
}

BOOST_AUTO_TEST_CASE(what_could_not_be_written_stays) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  parked_for_bob(room, "1");
  // A connection that takes nothing, and ends.
  {
    beckon::testing::recorder stuck(room.node(), 0, "bob", {"room"});
    room.node().settle();
    stuck.end();
  }
  room.settle();
  room.advance(2s);
  BOOST_TEST(parked_for_bob(room, "2") == "parked");
  room["bob"].join();
  BOOST_TEST(room["bob"].got("direct") == (strings{"1", "2"}));
}

BOOST_AUTO_TEST_CASE(who_returns_while_it_is_under_way_gets_it_a_moment_later) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  parked_for_bob(room, "1");
  beckon::testing::recorder stuck(room.node(), 0, "bob", {"room"});
  room.settle();
  room["bob"].join();
  BOOST_TEST(room["bob"].got("direct").empty());
  stuck.end();
  room.settle();
  room.advance(2s);
  BOOST_TEST(room["bob"].got("direct") == strings{"1"});
}

BOOST_AUTO_TEST_CASE(a_new_version_looks_after_those_who_are_there) {
  place at;
  auto room = at.open();
  beckon::settings options{{"file", (at.folder / "another.db").string()}};
  BOOST_TEST(room.swap("inbox", options).why == "");
  room.advance(1s);
  room["bob"].leave(); // who was here before it
  BOOST_TEST(parked_for_bob(room, "1") == "parked");
}

BOOST_AUTO_TEST_CASE(a_new_version_hands_out_what_the_old_one_kept) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  parked_for_bob(room, "1");
  beckon::settings options{{"file", (at.folder / "inbox.db").string()}};
  BOOST_TEST(room.swap("inbox", options).why == "");
  room["bob"].join();
  BOOST_TEST(room["bob"].got("direct") == strings{"1"});
}

BOOST_AUTO_TEST_CASE(what_fails_halfway_leaves_nothing_behind) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  writer(at.folder).run("ALTER TABLE parked RENAME TO hidden");
  BOOST_TEST(parked_for_bob(room, "1") == "offline");
  writer(at.folder).run("ALTER TABLE hidden RENAME TO parked");
  BOOST_TEST(parked_for_bob(room, "2") == "parked");
  room["bob"].join();
  BOOST_TEST(room["bob"].got("direct") == strings{"2"});
}

BOOST_AUTO_TEST_CASE(what_cannot_be_kept_is_offline_and_said) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  {
    writer other(at.folder); // for longer than a group waits
    BOOST_TEST(parked_for_bob(room, "1") == "offline");
  }
  BOOST_TEST(room.log() == strings{"said: database is locked"});
  BOOST_TEST(parked_for_bob(room, "2") == "parked");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_forgotten_comes_again) {
  place at;
  auto room = at.open();
  room["bob"].leave();
  parked_for_bob(room, "1");
  {
    writer other(at.folder);
    room["bob"].join();
    BOOST_TEST(room["bob"].got("direct") == strings{"1"});
  }
  room.advance(1s);
  BOOST_TEST(room["bob"].got("direct") == strings{"1"});
}
