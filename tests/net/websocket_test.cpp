#include "net/websocket.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace beckon::net;
using beckon::protocol::close_code;
namespace data = boost::unit_test::data;

namespace {

constexpr int fin = 0x80, text = 1, binary = 2, closing = 8, ping = 9, pong = 10;

/// A client's frame: masked, its length written as short as can be.
std::string frame(int first, std::string payload) {
  std::string out(1, static_cast<char>(first));
  auto length = payload.size();
  if (length < 126) {
    out += static_cast<char>(0x80 | length);
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(length >> 8);
    out += static_cast<char>(length & 255);
  }
  const std::string mask = "\x11\xa2\x33\xf4";
  out += mask;
  for (std::size_t i = 0; i < length; ++i)
    out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

struct client final : message_sink {
  beckon::protocol::limits bounds = [] {
    beckon::protocol::limits small;
    small.frame_bytes_before_auth_max = 1000;
    small.frame_bytes_max = 5000;
    small.fragments_max = 4;
    return small;
  }();
  websocket it{bounds, *this};
  std::vector<std::string> messages;
  bool wants = true;

  void feed(std::string bytes) { it.feed(bytes); }
  void on_message(std::string_view message, bool is_text) override {
    messages.push_back((is_text ? "t:" : "b:") + std::string(message));
  }
  void on_control(std::size_t) override {}
  bool wants_more() const override { return wants; }
};

} // namespace

BOOST_AUTO_TEST_SUITE(websocket_frames)

BOOST_AUTO_TEST_CASE(a_message_comes_out_however_it_was_cut) {
  auto bytes = frame(fin | text, "short") + frame(binary, std::string(300, 'x')) +
               frame(fin | ping, "between") + frame(0, "yz") + frame(fin, "") +
               frame(fin | text, "\xc3\xa4 last");
  const std::vector<std::string> expected = {"t:short", "b:" + std::string(300, 'x') + "yz",
                                             "t:\xc3\xa4 last"};
  for (std::size_t cut = 1; cut <= bytes.size(); ++cut) {
    client c;
    for (std::size_t at = 0; at < bytes.size(); at += cut)
      c.feed(bytes.substr(at, cut));
    BOOST_TEST(c.messages == expected, boost::test_tools::per_element());
    BOOST_TEST(c.it.output() == std::string("\x8a\x07") + "between");
    BOOST_TEST(!c.it.incomplete());
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_wanted_yet_is_kept) {
  client c;
  c.wants = false;
  c.feed(frame(fin | text, "one") + frame(fin | text, "two"));
  BOOST_TEST(c.messages.empty());
  BOOST_TEST(c.it.incomplete());
  c.wants = true;
  c.feed("");
  BOOST_TEST(c.messages.size() == 2U);
}

/// Takes one message at a time, as while each of them is held back for an answer.
struct one_at_a_time final : message_sink {
  beckon::protocol::limits bounds;
  websocket it{bounds, *this};
  std::size_t messages = 0, moved = 0;
  const char* last = nullptr;
  std::size_t step = 0;
  bool wants = true;

  void on_message(std::string_view message, bool) override {
    ++messages;
    wants = false;
    moved += last && message.data() != last + step;
    last = message.data();
  }
  void on_control(std::size_t) override {}
  bool wants_more() const override { return wants; }
};

BOOST_AUTO_TEST_CASE(what_is_kept_is_not_copied_for_each_message_of_it) {
  one_at_a_time c;
  std::string all;
  constexpr std::size_t count = 6'000;
  for (std::size_t i = 0; i < count; ++i)
    all += frame(fin | text, "12");
  c.step = all.size() / count;
  c.it.feed(all);
  while (c.messages < count) {
    c.wants = true;
    c.it.feed({});
  }
  BOOST_TEST(!c.it.incomplete());
  // Only where half of what is kept has been used.
  BOOST_TEST(c.moved <= 20U);
}

BOOST_AUTO_TEST_CASE(bytes_that_come_behind_what_is_kept_follow_it) {
  auto bytes = frame(fin | text, "one") + frame(fin | text, "two") + frame(fin | text, "three");
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    client c;
    c.wants = false;
    c.feed(bytes.substr(0, cut));
    c.wants = true;
    c.feed(bytes.substr(cut));
    BOOST_TEST(c.messages.size() == 3U);
    BOOST_TEST(!c.it.incomplete());
  }
}

BOOST_AUTO_TEST_CASE(after_our_last_word_only_a_close_is_looked_for) {
  auto close = frame(fin | closing, "\x03\xe8");
  auto before = frame(text, "begun, not ended"); // and cut in the middle of it
  auto after = before.substr(12) + frame(0, "more") + frame(fin | ping, "ping") +
               frame(fin | text, "\xff no text") + frame(fin | binary, std::string(3000, 'x'));
  for (std::size_t cut = 1; cut <= 200; ++cut) {
    client c;
    c.feed(before.substr(0, 12));
    c.it.expect_close();
    auto rest = after + close + "whatever";
    for (std::size_t at = 0; at < rest.size(); at += cut) {
      BOOST_REQUIRE(
          (c.it.now() == (at < after.size() + close.size() ? websocket::state::open
                                                           : websocket::state::closed_by_client)));
      c.feed(rest.substr(at, cut));
    }
    BOOST_TEST((c.it.now() == websocket::state::closed_by_client));
    BOOST_TEST(c.messages.empty());
    BOOST_TEST(c.it.output() == std::string("\x88\x02\x03\xe8"));
  }
}

BOOST_AUTO_TEST_CASE(a_text_is_refused_as_soon_as_it_is_wrong) {
  client c;
  c.feed(frame(text, "fine \xc3"));
  BOOST_TEST((c.it.now() == websocket::state::open));
  c.feed(frame(0, "\xa4 and \xff").substr(0, 13)); // more of the frame is to come
  BOOST_TEST((c.it.now() == websocket::state::failed));
  BOOST_TEST((c.it.failure() == close_code::invalid_utf8));
}

BOOST_AUTO_TEST_CASE(a_size_is_refused_by_the_header_alone) {
  client c;
  c.feed(frame(fin | text, std::string(1000, 'x')));
  BOOST_TEST(c.messages.size() == 1U);
  c.feed(frame(text, std::string(999, 'x')));
  c.feed(frame(fin, "xy").substr(0, 6));
  BOOST_TEST((c.it.failure() == close_code::too_big));
  client known;
  known.it.authenticated();
  known.feed(frame(fin | text, std::string(5000, 'x')));
  BOOST_TEST(known.messages.size() == 1U);
}

struct broken {
  const char* what;
  std::string bytes;
  close_code why;
};
std::ostream& operator<<(std::ostream& out, const broken& b) {
  return out << b.what;
}

static const broken breaches[] = {
    {"unmasked", std::string("\x81\x01x", 3), close_code::protocol_error},
    {"a reserved bit", frame(fin | 0x40 | text, "x"), close_code::protocol_error},
    {"opcode 3", frame(fin | 3, "x"), close_code::protocol_error},
    {"opcode 11", frame(fin | 11, "x"), close_code::protocol_error},
    {"a long ping", frame(fin | ping, std::string(126, 'x')), close_code::protocol_error},
    {"a ping in parts", frame(ping, "x"), close_code::protocol_error},
    {"a continuation of nothing", frame(fin, "x"), close_code::protocol_error},
    {"a message inside another", frame(text, "x") + frame(fin | text, "x"),
     close_code::protocol_error},
    {"a length longer than needed", std::string("\x81\xfe\x00\x01....x", 9),
     close_code::protocol_error},
    {"2^63 bytes", std::string("\x82\xff\x80\0\0\0\0\0\0\0....", 14), close_code::too_big},
    {"five fragments", frame(text, "") + frame(0, "") + frame(0, "") + frame(0, "") + frame(0, ""),
     close_code::policy_violation},
    {"half a close code", frame(fin | closing, "\x03"), close_code::protocol_error},
    {"close code 1005", frame(fin | closing, "\x03\xed"), close_code::protocol_error},
    {"close code 2999", frame(fin | closing, "\x0b\xb7"), close_code::protocol_error},
    {"close code 5000", frame(fin | closing, "\x13\x88"), close_code::protocol_error},
    {"a close reason not in UTF-8", frame(fin | closing, "\x03\xe8\xff"),
     close_code::protocol_error},
};

BOOST_DATA_TEST_CASE(a_breach_ends_it_with_its_code, data::make(breaches), breach) {
  client c;
  c.feed(breach.bytes + frame(fin | text, "after"));
  BOOST_TEST((c.it.now() == websocket::state::failed));
  BOOST_TEST((c.it.failure() == breach.why));
  BOOST_TEST(c.messages.empty());
}

BOOST_AUTO_TEST_CASE(a_close_is_echoed_and_what_follows_is_ignored) {
  for (std::string payload : {"", "\x03\xe8", "\x0b\xb8why", "\x13\x87"}) {
    client c;
    c.feed(frame(fin | closing, payload) + frame(fin | text, "after"));
    BOOST_TEST((c.it.now() == websocket::state::closed_by_client));
    BOOST_TEST(c.it.output() == std::string("\x88") + static_cast<char>(payload.size()) + payload);
    BOOST_TEST(c.messages.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_pong_is_taken_and_not_answered) {
  client c;
  c.feed(frame(fin | pong, "unasked") + frame(fin | text, "x"));
  BOOST_TEST(c.it.output().empty());
  BOOST_TEST(c.messages.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
