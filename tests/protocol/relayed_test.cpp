#include "protocol/relayed.hpp"

#include "protocol/delivery.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::protocol;

namespace {

std::optional<relayed> read(std::string_view text, std::string_view binary = {}) {
  json_splitter json;
  return read_relayed(json, text, binary);
}

std::string binary_of(const std::string& header) {
  return std::string{static_cast<char>(header.size() >> 8), static_cast<char>(header.size())} +
         header + "\xff\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_relayed)

BOOST_AUTO_TEST_CASE(what_this_server_writes_can_be_read) {
  for (auto kind : {frame_type::send, frame_type::publish, frame_type::request})
    for (auto opaque : {false, true}) {
      auto d = encode({.kind = kind,
                       .group = R"("g\"1")",
                       .from = R"("al\u00e9")",
                       .at = 5,
                       .number = 7,
                       .timeout = std::chrono::milliseconds(9)},
                      {opaque ? "\xff\n" : R"({"from":"x"})", opaque});
      auto found = read(d.text.payload(), d.binary ? d.binary.payload() : std::string_view{});
      BOOST_REQUIRE(found.has_value());
      BOOST_TEST((found->kind == kind));
      BOOST_TEST(found->group == "g\"1");
      BOOST_TEST(found->from == "al\xc3\xa9");
      if (opaque) {
        BOOST_TEST((read({}, d.binary.payload()) == found));
        BOOST_TEST(text_of(d.binary.payload()).wire() == d.text.wire());
      }
    }
  auto direct = read(R"({"type":"direct","from":"a","at":1,"data":2,"of_later":3})");
  BOOST_REQUIRE(direct.has_value());
  BOOST_TEST(direct->group == "");
}

BOOST_AUTO_TEST_CASE(what_it_never_writes_is_none) {
  const std::string_view bad[] = {
      "",
      "null",
      "[]",
      "{}",
      R"({"type":"direct"})",
      R"({"from":"a"})",
      R"({"type":"bye","from":"a"})",
      R"({"type":"welcome","from":"a"})",
      R"({"type":"direct","from":7})",
      R"({"type":"direct","from":"a","group":null})",
      R"({"type":"direct","from":"a","from":"b"})",
      R"({"type":"direct","type":"bye","from":"a"})",
      R"({"type":"direct","from":"a","group":"g","group":"h"})",
      R"({"type":"direct","from":"a"}{})",
      R"({"type":"direct","from":"a","data":})",
      R"({"type":"direct","from":"a","data":"\ud800"})",
      "{\"type\":\"direct\",\"from\":\"a\"\n}",
      "{\"type\":\"direct\",\"from\":\"a\"}\n",
      "{\"type\":\"direct\",\"from\":\"\xff\"}",
      "{\"type\":\"direct\",\"from\":\"a\",\"data\":\"\xed\xa0\x80\"}",
  };
  for (auto text : bad) {
    BOOST_TEST(!read(text).has_value(), text);
    BOOST_TEST(!read({}, binary_of(std::string(text))).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_binary_form_has_a_whole_header_that_says_the_same) {
  const std::string head = R"({"type":"direct","from":"a"})";
  BOOST_TEST(read({}, binary_of(head)).has_value());
  BOOST_TEST(read(head, binary_of(head)).has_value());
  BOOST_TEST(!read(R"({"type":"direct","from":"b"})", binary_of(head)).has_value());
  BOOST_TEST(!read(R"({"type":"message","from":"a"})", binary_of(head)).has_value());
  BOOST_TEST(!read({}, binary_of(head + " ")).has_value());
  BOOST_TEST(!read({}, "\x7f\xff{}").has_value());
  BOOST_TEST(!read({}, "{").has_value());
}

BOOST_AUTO_TEST_CASE(a_value_on_one_line) {
  BOOST_TEST(is_json_line(R"({"a":"\n"})"));
  BOOST_TEST(is_json_line(" 1 "));
  BOOST_TEST(!is_json_line("1\n"));
  BOOST_TEST(!is_json_line("\"\xff\""));
  BOOST_TEST(!is_json_line(""));
}

BOOST_AUTO_TEST_SUITE_END()
