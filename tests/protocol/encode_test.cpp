#include "protocol/encode.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

using namespace beckon::protocol;
using namespace std::string_literals;

namespace {

const limits bounds;

/// What `append` appends, which must leave alone what stands before it.
template <class F>
std::string appended(F append) {
  std::string out = "before";
  append(out);
  BOOST_TEST(out.starts_with("before"));
  return out.substr(6);
}

std::string text_of(const error& e) {
  return appended([&](std::string& out) { append_error(out, e); });
}

std::string answer(std::uint64_t id, const payload& data) {
  return std::string(encode_answer(id, "\"bob\"", data).text.payload());
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_encode)

BOOST_AUTO_TEST_CASE(a_welcome_says_who_where_and_how_much) {
  joined_group groups[] = {{"room \"1\"", "alice", "e1", 3}, {"two", "al", "e2", 0}};
  welcome w{.session = "n1.abc",
            .user = "alice",
            .node = "n1",
            .ping_s = 25,
            .groups = groups,
            .expires_in = 3600};
  auto text = appended([&](std::string& out) { append_welcome(out, w, limits_json(bounds)); });
  auto object = boost::json::parse(text).as_object();
  BOOST_TEST(
      text.starts_with(R"({"type":"welcome","session":"n1.abc","user":"alice","server":"beckon/)"));
  BOOST_TEST(object.at("node").as_string() == "n1");
  BOOST_TEST(object.at("ping_s").as_int64() == 25);
  BOOST_TEST(object.at("expires_in").as_int64() == 3600);
  BOOST_TEST(
      (object.at("groups") ==
       boost::json::parse(R"({"room \"1\"":{"as":"alice","version":3,"epoch":"e1","offset":0},
                                     "two":{"as":"al","version":0,"epoch":"e2","offset":0}})")));
  BOOST_TEST(!object.contains("secret"));

  w.groups = {};
  w.expires_in = {};
  object = boost::json::parse(appended([&](std::string& out) {
             append_welcome(out, w, limits_json(bounds));
           })).as_object();
  BOOST_TEST(object.at("groups").as_object().empty());
  BOOST_TEST(!object.contains("expires_in"));
}

BOOST_AUTO_TEST_CASE(a_welcome_announces_every_limit) {
  limits counted; // each number once, so that no two can be mixed up
  std::size_t next = 1;
  for (auto* one : {&counted.frame_bytes_max,
                    &counted.frame_bytes_before_auth_max,
                    &counted.header_block_bytes_max,
                    &counted.header_fields_max,
                    &counted.uri_bytes_max,
                    &counted.fragments_max,
                    &counted.recipients_max,
                    &counted.batch_frames_max,
                    &counted.groups_per_session_max,
                    &counted.members_per_group_max,
                    &counted.groups_per_node_max,
                    &counted.requests_in_flight_max,
                    &counted.group_bytes_max,
                    &counted.uid_bytes_max,
                    &counted.meta_bytes_max,
                    &counted.key_bytes_max,
                    &counted.roster_page_members_max,
                    &counted.token_bytes_max,
                    &counted.frames_per_second,
                    &counted.frames_burst,
                    &counted.bytes_per_second,
                    &counted.joins_per_second,
                    &counted.connections_per_address_max,
                    &counted.connections_per_user_max,
                    &counted.connections_max,
                    &counted.handshakes_per_second,
                    &counted.handshakes_burst,
                    &counted.handshakes_in_progress_max,
                    &counted.outbound_bytes_max,
                    &counted.confirmations_max})
    *one = next++;
  counted.assembly_timeout = std::chrono::milliseconds(next++);
  auto text = appended([&](std::string& out) { append_welcome(out, {}, limits_json(counted)); });
  auto announced = boost::json::parse(text).at("limits").as_object();
  std::set<std::int64_t> numbers;
  for (const auto& [name, value] : announced)
    numbers.insert(value.as_int64());
  for (std::size_t n = 1; n < next; ++n)
    BOOST_TEST(numbers.contains(static_cast<std::int64_t>(n)),
               "limit " << n << " is not announced");
  BOOST_TEST(announced.at("frame_bytes").as_int64() == 1);
  BOOST_TEST(announced.at("recipients").as_int64() == 7);
  BOOST_TEST(announced.at("fields").as_int64() == 32);
  BOOST_TEST(announced.at("depth").as_int64() == 32);
}

BOOST_AUTO_TEST_CASE(an_ok_carries_its_id_and_what_it_is_given) {
  BOOST_TEST(appended([](std::string& out) { append_ok(out, 7); }) == R"({"type":"ok","id":7})");
  BOOST_TEST(appended([](std::string& out) { append_ok(out, 0); }) == R"({"type":"ok"})");
  BOOST_TEST(appended([](std::string& out) { append_ok(out, id_max, R"("version":3)"); }) ==
             R"({"type":"ok","id":9007199254740991,"version":3})");
  BOOST_TEST(appended([](std::string& out) { append_ok(out, 1, ""); }) ==
             R"({"type":"ok","id":1})");
}

BOOST_AUTO_TEST_CASE(outcomes_are_listed_by_recipient) {
  recipient_outcome two[] = {{"bob", outcome::offline}, {"a\"b", outcome::expired}};
  BOOST_TEST(appended([&](std::string& out) { append_outcomes(out, two); }) ==
             R"("outcomes":{"bob":"offline","a\"b":"expired"})");
  BOOST_TEST(appended([](std::string& out) { append_outcomes(out, {}); }) == R"("outcomes":{})");
}

BOOST_AUTO_TEST_CASE(an_error_says_why) {
  BOOST_TEST(text_of({.id = 7, .why = code::not_member}) ==
             R"({"type":"error","id":7,"code":"not_member","message":")" +
                 std::string(text(code::not_member)) + "\"}");
  recipient_outcome one{"bob", outcome::denied};
  BOOST_TEST(
      text_of({.id = 0,
               .why = code::not_delivered,
               .message = "a \"b\"",
               .retry_after_ms = 250,
               .outcomes = {&one, 1}}) ==
      R"({"type":"error","code":"not_delivered","message":"a \"b\"","retry_after_ms":250,"outcomes":{"bob":"denied"}})");
  BOOST_TEST(appended([](std::string& out) {
               append_foreign_error(out, 9, "no_seats", "f\xc3\xbcll\n");
             }) ==
             "{\"type\":\"error\",\"id\":9,\"code\":\"no_seats\",\"message\":\"f\xc3\xbcll\\n\"}");
}

BOOST_AUTO_TEST_CASE(a_refusal_is_described_without_any_value) {
  frame_parser parser(bounds);
  auto described = [&](std::string_view line) { return describe(parser.parse(line).error()); };
  BOOST_TEST(described(R"({"type":"send","to":"bob"})") == "field 'data' is missing");
  BOOST_TEST(described(R"({"type":"send","to":"bob","data":1,"ttl":61})") ==
             "field 'ttl' has a wrong type or is out of range");
  BOOST_TEST(described("nope") == text(code::bad_json));
  BOOST_TEST(described("[]") == "the frame is not one JSON object of at most 32 fields");
  BOOST_TEST(describe({.why = code::bad_request, .field = "ttl"}) == "bad value of field 'ttl'");
}

BOOST_AUTO_TEST_CASE(an_answer_goes_to_the_caller_in_its_form) {
  BOOST_TEST(answer(7, {"[1]", false}) == R"({"type":"ok","id":7,"from":"bob","data":[1]})");
  BOOST_TEST(!encode_answer(7, "\"bob\"", {"[1]", false}).binary);
  BOOST_TEST(answer(7, {"hi", true}) == R"({"type":"ok","id":7,"from":"bob","base64":"aGk="})");
  auto header = R"({"type":"ok","id":7,"from":"bob"})"s;
  auto expected = "\0"s + static_cast<char>(header.size()) + header + "hi";
  BOOST_TEST(encode_answer(7, "\"bob\"", {"hi", true}).binary.payload() == expected);
}

BOOST_AUTO_TEST_CASE(the_small_frames_are_as_written_in_the_protocol) {
  BOOST_TEST(appended([](std::string& out) { append_left(out, "\"g\"", left_reason::replaced); }) ==
             R"({"type":"left","group":"g","why":"replaced"})");
  BOOST_TEST(appended([](std::string& out) { append_gap(out, "\"g\"", 12); }) ==
             R"({"type":"gap","group":"g","why":"slow","lost":12})");
  BOOST_TEST(appended([](std::string& out) { append_gap(out, "", 1); }) ==
             R"({"type":"gap","why":"slow","lost":1})");
  BOOST_TEST(appended([](std::string& out) { append_pong(out); }) == R"({"type":"pong"})");
  BOOST_TEST(
      appended([](std::string& out) {
        append_bye(out, {.code = "draining",
                         .message = "restarting",
                         .reconnect = true,
                         .retry_after_ms = 5000});
      }) ==
      R"({"type":"bye","code":"draining","message":"restarting","reconnect":true,"retry_after_ms":5000})");
  BOOST_TEST(appended([](std::string& out) {
               append_bye(out, {.code = "denied", .message = "no"});
             }) == R"({"type":"bye","code":"denied","message":"no","reconnect":false})");
}

BOOST_AUTO_TEST_SUITE_END()
