#include "protocol/delivery.hpp"

#include "tests/protocol/random_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace beckon::protocol;
using namespace std::string_literals;
using namespace std::chrono_literals;

namespace {

const limits bounds;

shared_frame frame_of(std::size_t bytes, opcode op = opcode::text) {
  return shared_frame::make(op, bytes, [&](char* out) { std::fill_n(out, bytes, 'x'); });
}

std::string header_of(std::size_t bytes, opcode op = opcode::text) {
  auto frame = frame_of(bytes, op);
  return std::string(frame.wire().substr(0, frame.wire().size() - bytes));
}

delivery_head head_of(frame_type kind) {
  delivery_head head;
  head.kind = kind;
  head.group = "\"room\"";
  head.from = "\"alice\"";
  head.at = 1760000000000;
  return head;
}

std::string text_of(const delivery& d) {
  return std::string(d.text.payload());
}

/// A binary frame, taken apart.
std::pair<std::string, std::string> binary_of(const delivery& d) {
  auto bytes = d.binary.payload();
  auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
  auto length = byte(0) << 8 | byte(1);
  return {std::string(bytes.substr(2, length)), std::string(bytes.substr(2 + length))};
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_delivery)

BOOST_AUTO_TEST_CASE(the_websocket_header_fits_the_length) {
  BOOST_TEST(header_of(0) == "\x81\0"s);
  BOOST_TEST(header_of(125) == "\x81\x7d"s);
  BOOST_TEST(header_of(126) == "\x81\x7e\0\x7e"s);
  BOOST_TEST(header_of(255) == "\x81\x7e\0\xff"s);
  BOOST_TEST(header_of(256) == "\x81\x7e\x01\0"s);
  BOOST_TEST(header_of(65535) == "\x81\x7e\xff\xff"s);
  BOOST_TEST(header_of(65536) == "\x81\x7f\0\0\0\0\0\x01\0\0"s);
  BOOST_TEST(header_of(3, opcode::binary) == "\x82\x03"s);

  char header[header_bytes_max];
  BOOST_TEST(write_header(header, opcode::binary, 0x0102030405060708) == 10U);
  BOOST_TEST(std::string(header, 10) == "\x82\x7f\x01\x02\x03\x04\x05\x06\x07\x08");
}

BOOST_AUTO_TEST_CASE(a_frame_holds_header_and_payload) {
  auto frame = frame_of(200);
  BOOST_TEST(frame.wire().size() == 204U);
  BOOST_TEST(frame.payload() == std::string(200, 'x'));

  shared_frame none;
  BOOST_TEST(!none);
  BOOST_TEST(none.wire().empty());
  BOOST_TEST(none.payload().empty());
  BOOST_TEST(encode_text("{}").wire() == "\x81\x02{}");
}

BOOST_AUTO_TEST_CASE(copies_share_one_block_and_the_last_one_frees_it) {
  auto first = frame_of(10);
  auto* bytes = first.payload().data();
  auto second = first;
  BOOST_TEST((second.payload().data() == bytes));
  first = {};
  BOOST_TEST(!first);
  BOOST_TEST(second.payload() == std::string(10, 'x'));
  auto third = std::move(second);
  BOOST_TEST(!second); // NOLINT(bugprone-use-after-move): that it is empty is the point.
  auto& same = third;
  third = same;
  BOOST_TEST((third.payload().data() == bytes));
}

// The sanitizers see what this test cannot: a block freed twice, too early or never.
BOOST_AUTO_TEST_CASE(frames_are_shared_by_several_threads) {
  for (int round = 0; round < 200; ++round) {
    auto frame = encode_text("payload");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([mine = frame] {
        std::vector<shared_frame> copies;
        for (int n = 0; n < 100; ++n)
          copies.push_back(mine);
        for (const auto& copy : copies)
          if (copy.payload() != "payload")
            std::abort();
      });
    frame = {};
    for (auto& thread : threads)
      thread.join();
  }
}

BOOST_AUTO_TEST_CASE(json_goes_out_as_text_with_its_bytes_as_they_came) {
  auto head = head_of(frame_type::publish);
  auto message = encode(head, {R"({"a": 0.1,"a":1e2})", false});
  BOOST_TEST(
      text_of(message) ==
      R"({"type":"message","group":"room","from":"alice","at":1760000000000,"data":{"a": 0.1,"a":1e2}})");
  BOOST_TEST(!message.binary);

  head = head_of(frame_type::send);
  head.number = 12;
  BOOST_TEST(
      text_of(encode(head, {"1", false})) ==
      R"({"type":"direct","group":"room","from":"alice","at":1760000000000,"message":12,"data":1})");
  head.number = 0;
  head.group = {};
  BOOST_TEST(text_of(encode(head, {"1", false})) ==
             R"({"type":"direct","from":"alice","at":1760000000000,"data":1})");

  head = head_of(frame_type::request);
  head.number = std::uint64_t(-1);
  head.at = INT64_MAX;
  head.timeout = std::chrono::milliseconds(INT64_MAX);
  BOOST_TEST(
      text_of(encode(head, {"\"?\"", false})) ==
      R"({"type":"request","group":"room","from":"alice","at":9223372036854775807,"request":18446744073709551615,)"
      R"("timeout_ms":9223372036854775807,"data":"?"})");
}

BOOST_AUTO_TEST_CASE(opaque_bytes_go_out_in_both_forms) {
  auto bytes = "\0\xff\"}"s;
  auto message = encode(head_of(frame_type::send), {bytes, true});
  constexpr std::string_view header =
      R"({"type":"direct","group":"room","from":"alice","at":1760000000000)";
  BOOST_TEST(text_of(message) == std::string(header) + R"(,"base64":"AP8ifQ=="})");
  auto [head, body] = binary_of(message);
  BOOST_TEST(head == std::string(header) + "}");
  BOOST_TEST(body == bytes);
  BOOST_TEST((message.binary.wire()[0] == '\x82'));

  auto empty = encode(head_of(frame_type::send), {"", true});
  BOOST_TEST(text_of(empty) == std::string(header) + R"(,"base64":""})");
  BOOST_TEST(binary_of(empty).second.empty());
}

BOOST_AUTO_TEST_CASE(a_client_cannot_forge_what_the_server_says) {
  const std::string_view lines[] = {
      R"({"type":"send","from":"mallory","at":1,"offset":2,"message":3,"to":"bob","data":1})",
      R"({"type":"send","to":"bob","data":{"from":"mallory","at":1}})",
      R"({"type":"send","to":"bob","data":"\",\"from\":\"mallory"})",
      R"({"type":"send","to":"bob","d\u0061ta":[{"from":"mallory"}],"fr\u006fm":"mallory"})",
  };
  frame_parser parser(bounds);
  for (auto line : lines) {
    auto frame = parser.parse(line);
    BOOST_REQUIRE(frame.has_value());
    auto object =
        boost::json::parse(text_of(encode(head_of((*frame)->type), (*frame)->data))).as_object();
    BOOST_TEST(object.size() == 5U, line);
    BOOST_TEST(object.at("type").as_string() == "direct");
    BOOST_TEST(object.at("group").as_string() == "room");
    BOOST_TEST(object.at("from").as_string() == "alice", line);
    BOOST_TEST(object.at("at").as_int64() == 1760000000000, line);
    BOOST_TEST((object.at("data") == boost::json::parse((*frame)->data.bytes)));
  }
}

BOOST_AUTO_TEST_CASE(any_value_arrives_as_it_was_sent) {
  BOOST_TEST(rc::check("parse(encode(parse(send))) == data", [] {
    const auto data = *beckon::test::random_value(3);
    const auto raw = boost::json::serialize(data);
    const auto line = "{\"type\":\"send\",\"to\":\"bob\",\"data\":" + raw + "}";
    frame_parser parser(bounds);
    auto frame = parser.parse(line);
    RC_ASSERT(frame.has_value());
    RC_ASSERT((*frame)->data.bytes == raw);
    auto out = boost::json::parse(text_of(encode(head_of(frame_type::send), (*frame)->data)));
    RC_ASSERT(out.at("data") == data);
  }));
  BOOST_TEST(rc::check("opaque bytes survive both forms", [](const std::string& bytes) {
    auto sent = encode(head_of(frame_type::send), {bytes, true});
    RC_ASSERT(binary_of(sent).second == bytes);
    auto text = boost::json::parse(text_of(sent));
    const auto line = boost::json::serialize(
        boost::json::value{{"type", "send"}, {"to", "bob"}, {"base64", text.at("base64")}});
    frame_parser parser(bounds);
    auto frame = parser.parse(line);
    RC_ASSERT(frame.has_value());
    RC_ASSERT((*frame)->data.opaque);
    RC_ASSERT((*frame)->data.bytes == bytes);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
