#include "protocol/frame.hpp"

#include "protocol/encode.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <boost/version.hpp>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace beckon::protocol;
using namespace std::string_literals;
using namespace std::chrono_literals;

namespace {

const limits bounds;

/// A parser with its latest message, which the frame points into, and its answer.
struct reading {
  frame_parser parser{bounds};
  std::string message;
  const client_frame* frame = nullptr;
  rejection fault;

  reading() = default;
  explicit reading(std::string_view line) { parse(line); }

  void parse(std::string_view line) {
    message = line;
    keep(parser.parse(message));
  }
  void parse_binary(std::string_view bytes) {
    message = bytes;
    keep(parser.parse_binary(message));
  }

private:
  void keep(boost::system::result<const client_frame*, rejection> result) {
    frame = result ? *result : nullptr;
    fault = result ? rejection{} : result.error();
  }
};

/// What became of `line`: "ok", or code, field, id and whether it is answered even without one.
std::string verdict(const reading& r) {
  if (r.frame)
    return "ok";
  std::string text(name(r.fault.why));
  if (!r.fault.field.empty())
    text += " " + std::string(r.fault.field);
  if (r.fault.id != 0)
    text += " id=" + std::to_string(r.fault.id);
  return r.fault.unparsable ? text + " unparsable" : text;
}
std::string verdict(std::string_view line) {
  return verdict(reading(line));
}

struct expected_verdict {
  std::string line, verdict;
};
template <std::size_t N>
void expect(const expected_verdict (&table)[N]) {
  for (const auto& [line, expected] : table)
    BOOST_TEST(verdict(line) == expected, line << ": " << verdict(line));
}

std::string binary_message(std::string_view header, std::string_view body) {
  std::string message{static_cast<char>(header.size() >> 8),
                      static_cast<char>(header.size() & 0xFF)};
  return message.append(header).append(body);
}

/// `count` names a0, a1, … as a JSON list.
std::string list_of(std::size_t count) {
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i)
    text += (i ? ",\"a" : "\"a") + std::to_string(i) + "\"";
  return text + "]";
}
std::string numbers_of(std::size_t count) {
  std::string text = "[1";
  for (std::size_t i = 2; i <= count; ++i)
    text += "," + std::to_string(i);
  return text + "]";
}

// --- the table of protocol.md section 3, said a second time, independently of fields.hpp ---

/// One sample of every kind of JSON value; the marker must never be seen in a message to the
/// client.
const std::map<std::string, std::string> samples = {
    {"null", "null"},       {"bool", "true"},
    {"int", "7"},           {"frac", "7.5"},
    {"text", "\"marker\""}, {"list", "[\"marker\"]"},
    {"numbers", "[7]"},     {"object", "{\"code\":\"marker\"}"},
};
using kinds = std::set<std::string>;
const kinds any = {"null", "bool", "int", "frac", "text", "list", "numbers", "object"};

/// The kinds of samples that each field takes.
const std::map<std::string, kinds> takes = {
    {"id", {"int"}},
    {"token", {"text"}},
    {"resume", {"object"}},
    {"client", {"text"}},
    {"batch", {"bool"}},
    {"binary", {"bool"}},
    {"group", {"text"}},
    {"as", {"text"}},
    {"meta", any},
    {"presence", {}},
    {"interest", {}},
    {"since", {"object"}},
    {"last", {"int"}},
    {"to", {"text", "list"}},
    {"user", {"text"}},
    {"session", {"text"}},
    {"data", any},
    {"base64", {}},
    {"ttl", {"int"}},
    {"key", {"text"}},
    {"confirm", {}},
    {"except", {"list"}},
    {"echo", {"bool"}},
    {"timeout_ms", {}},
    {"request", {"int"}},
    {"error", {"object"}},
    {"message", {"int", "numbers"}},
    {"limit", {"int"}},
    {"after", {"text"}},
    {"reverse", {"bool"}},
    {"received", {"int"}},
    {"name", {"text"}},
};

struct type_of_frame {
  std::string name;
  std::vector<std::string> fields;
  std::vector<std::pair<std::string, std::string>> base; ///< makes a frame that is right
};
const std::pair<std::string, std::string> base_id{"id", "5"}, base_data{"data", "1"},
    base_to{"to", "\"bob\""};
const std::vector<type_of_frame> types = {
    {"hello", {"id", "token", "resume", "client", "batch", "binary"}, {}},
    {"join", {"id", "group", "as", "meta", "presence", "interest", "since", "last", "token"}, {}},
    {"update", {"id", "group", "meta", "presence", "interest"}, {}},
    {"leave", {"id", "group"}, {}},
    {"send",
     {"id", "data", "base64", "group", "to", "user", "session", "ttl", "key", "confirm"},
     {base_data, base_to}},
    {"publish", {"id", "group", "data", "base64", "except", "echo", "key"}, {base_data}},
    {"request",
     {"id", "data", "base64", "group", "to", "user", "session", "timeout_ms"},
     {base_id, base_data, base_to}},
    {"reply", {"request", "data", "base64", "error"}, {{"request", "9"}, base_data}},
    {"received", {"message"}, {{"message", "3"}}},
    {"roster", {"id", "group", "limit", "after"}, {base_id}},
    {"history", {"id", "group", "since", "limit", "reverse"}, {base_id}},
    {"refresh", {"id", "token"}, {base_id, {"token", "\"t\""}}},
    {"ping", {"received"}, {}},
    {"call",
     {"id", "group", "name", "timeout_ms", "data", "base64"},
     {{"name", "\"bid\""}, base_data}},
};

/// Fields that cannot stand beside another one.
bool excludes(const std::string& one, const std::string& other) {
  auto pair = [&](std::string_view a, std::string_view b) {
    return (one == a && other == b) || (one == b && other == a);
  };
  return pair("to", "user") || pair("to", "session") || pair("data", "base64") ||
         pair("data", "error");
}

bool is_listed(const type_of_frame& type, const std::string& field) {
  return std::ranges::find(type.fields, field) != type.fields.end();
}

/// A right frame of the type in which `field` is `value`.
std::string frame_with(const type_of_frame& type, const std::string& field,
                       const std::string& value) {
  std::string line = "{\"type\":\"" + type.name + "\",\"" + field + "\":" + value;
  for (const auto& [name, text] : type.base)
    if (name != field && !(is_listed(type, field) && excludes(name, field)))
      line += ",\"" + name + "\":" + text;
  return line + "}";
}

bool is_later(const std::string& type, const std::string& field) {
  return type == "history" || type == "refresh" ||
         std::set<std::string>{"key", "since", "last", "resume"}.contains(field);
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_frame)

BOOST_AUTO_TEST_CASE(the_smallest_client_is_understood) {
  reading r(R"({"type":"send","to":"bob","data":"hi"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST((r.frame->type == frame_type::send));
  BOOST_TEST(r.frame->id == 0U);
  BOOST_TEST(!r.frame->group);
  BOOST_TEST(r.frame->to.size() == 1U);
  BOOST_TEST(r.frame->to[0] == "bob");
  BOOST_TEST(r.frame->data.bytes == "\"hi\"");
  BOOST_TEST(!r.frame->data.opaque);
  BOOST_TEST((r.frame->ttl == 5s));
  BOOST_TEST((r.frame->confirm == confirm_level::queued));
}

BOOST_AUTO_TEST_CASE(a_send_carries_all_that_it_lists) {
  reading r(
      R"({"type":"send","id":7,"group":"room","to":["bob","al"],"data":{"a": 0.1},"ttl":60,"confirm":"received"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->id == 7U);
  BOOST_TEST(r.frame->group.value() == "room");
  BOOST_TEST(r.frame->to.size() == 2U);
  BOOST_TEST(r.frame->to[1] == "al");
  BOOST_TEST(r.frame->data.bytes == R"({"a": 0.1})", "the payload's bytes are never rewritten");
  BOOST_TEST((r.frame->ttl == 60s));
  BOOST_TEST((r.frame->confirm == confirm_level::received));

  r.parse(R"({"type":"send","user":"bob","data":null,"confirm":"written"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->user.value() == "bob");
  BOOST_TEST(r.frame->to.empty());
  BOOST_TEST(r.frame->data.bytes == "null");
  BOOST_TEST((r.frame->confirm == confirm_level::written));

  r.parse(R"({"type":"send","session":"n1.abc","base64":"aGk="})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->session.value() == "n1.abc");
  BOOST_TEST(r.frame->data.bytes == "hi");
  BOOST_TEST(r.frame->data.opaque);
}

BOOST_AUTO_TEST_CASE(publish_request_and_reply_carry_all_that_they_list) {
  reading r(R"({"type":"publish","id":1,"group":"g","data":[1],"except":["bob"],"echo":true})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST((r.frame->type == frame_type::publish));
  BOOST_TEST(r.frame->except.size() == 1U);
  BOOST_TEST(r.frame->except[0] == "bob");
  BOOST_TEST(r.frame->echo);
  r.parse(R"({"type":"publish","data":1,"except":[],"echo":false})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->except.empty());
  BOOST_TEST(!r.frame->echo);

  r.parse(R"({"type":"request","id":2,"to":["bob"],"data":1,"timeout_ms":50})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->to.size() == 1U);
  BOOST_TEST((r.frame->timeout == 50ms));
  r.parse(R"({"type":"request","id":2,"session":"n1.abc","data":1})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST((r.frame->timeout == 5000ms));

  r.parse(R"({"type":"reply","request":9007199254740991,"data":{}})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->request == 9007199254740991U);
  BOOST_TEST(!r.frame->error_code);
  r.parse(
      R"({"type":"reply","request":3,"error":{"code":"no_seats","message":"f\u00fcll","more":[1]}})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->error_code.value() == "no_seats");
  BOOST_TEST(r.frame->error_message == "f\xc3\xbcll");
}

BOOST_AUTO_TEST_CASE(the_other_types_carry_all_that_they_list) {
  reading r(
      R"({"type":"hello","id":1,"token":"a.b.c","client":"js\/1","batch":true,"binary":false})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->token.value() == "a.b.c");
  BOOST_TEST(r.frame->client.value() == "js/1");
  BOOST_TEST(r.frame->batch.value());
  BOOST_TEST(!r.frame->binary.value());

  r.parse(
      R"({"type":"join","id":1,"group":"g","as":"al","meta":{"a":1},"presence":"full","interest":"direct","token":"t"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->as.value() == "al");
  BOOST_TEST(r.frame->meta.value() == R"({"a":1})");
  BOOST_TEST((r.frame->presence == presence_mode::full));
  BOOST_TEST((r.frame->interest == interest_level::direct));

  r.parse(R"({"type":"update","presence":"count","interest":"full"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(!r.frame->meta);
  BOOST_TEST((r.frame->presence == presence_mode::count));
  BOOST_TEST((r.frame->interest == interest_level::full));
  r.parse(R"({"type":"update","presence":"none","meta":null})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST((r.frame->presence == presence_mode::none));
  BOOST_TEST(!r.frame->interest);
  BOOST_TEST(r.frame->meta.value() == "null");

  r.parse(R"({"type":"roster","id":1,"limit":10,"after":"bob"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->limit == 10U);
  BOOST_TEST(r.frame->after.value() == "bob");

  r.parse(R"({"type":"received","message":[3,4,3]})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->received == (std::vector<std::uint64_t>{3, 4, 3}),
             boost::test_tools::per_element());
  r.parse(R"({"type":"received","message":8})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->received.size() == 1U);
  BOOST_TEST(r.frame->received[0] == 8U);
}

BOOST_AUTO_TEST_CASE(every_type_is_found_by_its_name) {
  BOOST_TEST(types.size() == frame_type_count);
  for (std::size_t i = 0; i < frame_type_count; ++i) {
    BOOST_TEST(name(static_cast<frame_type>(i)) == types[i].name);
    auto line = frame_with(types[i], "unknown", "1");
    auto expected = is_later(types[i].name, "") ? "not_implemented id=5" : "ok";
    BOOST_TEST(verdict(line) == expected, line);
  }
}

BOOST_AUTO_TEST_CASE(a_field_takes_its_own_kinds_and_refuses_all_others_by_name) {
  for (const auto& type : types)
    for (const auto& field : type.fields)
      for (const auto& [kind, value] : samples) {
        auto line = frame_with(type, field, value);
        reading r(line);
        bool right = takes.at(field).contains(kind);
        if (field == "to" && type.name == "request" && kind == "list")
          right = true;
        if (right && is_later(type.name, field)) {
          BOOST_TEST((r.fault.why == code::not_implemented), line << ": " << verdict(r));
        } else if (right) {
          BOOST_TEST(verdict(r) == "ok", line);
        } else {
          BOOST_TEST(!r.frame, line);
          BOOST_TEST((r.fault.why == code::bad_request), line << ": " << verdict(r));
          BOOST_TEST(r.fault.field == field, line << ": " << verdict(r));
          BOOST_TEST(describe(r.fault).find("marker") == std::string::npos, line);
          BOOST_TEST(describe(r.fault).find(field) != std::string::npos, line);
        }
      }
}

BOOST_AUTO_TEST_CASE(a_field_of_another_type_is_ignored) {
  for (const auto& type : types)
    for (const auto& [field, unused] : takes)
      for (const auto& [kind, value] : samples) {
        // An `id` is looked at in every type: an invalid one makes the frame unparsable.
        if (is_listed(type, field) || field == "id")
          continue;
        auto line = frame_with(type, field, value);
        auto expected = is_later(type.name, "") ? "not_implemented id=5" : "ok";
        BOOST_TEST(verdict(line) == expected, line);
      }
}

BOOST_AUTO_TEST_CASE(fields_that_the_server_writes_cannot_be_set) {
  reading r(
      R"({"type":"send","from":"mallory","at":1,"offset":2,"seq":3,"ts":4,"to":"bob","data":1})");
  BOOST_TEST(verdict(r) == "ok");
  BOOST_TEST(!r.frame->as);
  BOOST_TEST(r.frame->data.bytes == "1");
}

BOOST_AUTO_TEST_CASE(words_of_an_enum_are_checked) {
  expect({
      {R"({"type":"join","presence":"Full"})", "bad_request presence"},
      {R"({"type":"join","presence":""})", "bad_request presence"},
      {R"({"type":"join","presence":"f\u0075ll"})", "ok"},
      {R"({"type":"join","interest":"none"})", "bad_request interest"},
      {R"({"type":"update","interest":"count"})", "bad_request interest"},
      {R"({"type":"send","to":"a","data":1,"confirm":"delivered"})", "bad_request confirm"},
  });
}

BOOST_AUTO_TEST_CASE(frames_that_are_no_frames_are_answered_even_without_an_id) {
  expect({
      {"", "bad_json unparsable"},
      {"{\"type\":\"ping\"", "bad_json unparsable"},
      {"\xef\xbb\xbf{\"type\":\"ping\"}", "bad_json unparsable"},
      {"{\"type\":\"ping\"}{\"type\":\"ping\"}", "bad_json unparsable"},
      {"[]", "bad_request unparsable"},
      {"null", "bad_request unparsable"},
      {"\"send\"", "bad_request unparsable"},
      {"{}", "bad_request type unparsable"},
      {R"({"id":3})", "bad_request type id=3 unparsable"},
      {R"({"type":1})", "bad_request type unparsable"},
      {R"({"type":null,"id":3})", "bad_request type id=3 unparsable"},
      {R"({"type":"send","type":"ping"})", "bad_request type unparsable"},
      {R"({"type":"nope"})", "unknown_type type unparsable"},
      {R"({"type":"nope","id":3})", "unknown_type type id=3 unparsable"},
      {R"({"type":"","id":3})", "unknown_type type id=3 unparsable"},
      {R"({"type":"Send","id":3})", "unknown_type type id=3 unparsable"},
      {R"({"type":"se\u006ed","id":3,"to":"a","data":1})", "ok"},
      // Those of its own are not: they are answered by their id, or counted.
      {R"({"type":"send","to":"a"})", "bad_request data"},
      {R"({"type":"send","to":"a","id":4})", "bad_request data id=4"},
  });
}

BOOST_AUTO_TEST_CASE(an_id_is_a_whole_number_that_a_double_holds) {
  auto with_id = [](std::string_view id) {
    return verdict("{\"type\":\"leave\",\"id\":" + std::string(id) + "}");
  };
  BOOST_TEST(with_id("1") == "ok");
  BOOST_TEST(with_id("9007199254740990") == "ok");
  BOOST_TEST(with_id("9007199254740991") == "ok");
  for (auto id : {"0", "-1", "-0", "\"1\"", "1.0", "1.5", "1e3", "9007199254740992",
                  "9007199254740993", "18446744073709551616", "1e999", "true", "null", "[1]", "{}"})
    BOOST_TEST(with_id(id) == "bad_request id unparsable", id << ": " << with_id(id));
  // Boost.JSON refuses the exponent before 1.83.
  BOOST_TEST(with_id("1e99999999999") ==
             (BOOST_VERSION < 108300 ? "bad_json unparsable" : "bad_request id unparsable"));
  BOOST_TEST(verdict(R"({"type":"leave","id":1,"id":1})") == "bad_request id unparsable");
  BOOST_TEST(verdict(R"({"type":"nope","id":0})") == "bad_request id unparsable");

  reading r(R"({"type":"leave","id":9007199254740991})");
  BOOST_TEST(r.frame->id == id_max);
}

BOOST_AUTO_TEST_CASE(types_without_an_id_ignore_a_valid_one_only) {
  for (auto rest : {R"("reply","request":1,"data":1)", R"("received","message":1)", R"("ping")"}) {
    auto line = [&](std::string_view id) {
      return "{\"id\":" + std::string(id) + ",\"type\":" + rest + "}";
    };
    reading r(line("7"));
    BOOST_REQUIRE(r.frame);
    BOOST_TEST(r.frame->id == 0U);
    BOOST_TEST(verdict(line("0")) == "bad_request id unparsable");
    BOOST_TEST(verdict(line("\"7\"")) == "bad_request id unparsable");
  }
  BOOST_TEST(verdict(R"({"type":"received","id":7})") == "bad_request message",
             "no answer is possible");
}

BOOST_AUTO_TEST_CASE(a_known_field_stands_once) {
  for (const auto& [field, unused] : takes) {
    if (field == "id")
      continue;
    auto line = R"({"type":"leave","id":3,")" + field + R"(":"a",")" + field + R"(":"a"})";
    BOOST_TEST(verdict(line) == "bad_request " + field + " id=3", line);
  }
  expect({
      {R"({"type":"send","to":"a","to":"b","data":1})", "bad_request to"},
      {R"({"type":"send","to":"a","t\u006f":"b","data":1})", "bad_request to"},
      {R"({"type":"leave","foo":1,"foo":2})", "ok"},
  });
}

BOOST_AUTO_TEST_CASE(a_frame_has_fields_up_to_the_limit) {
  auto with_fields = [](std::size_t count) {
    std::string line = R"({"type":"leave")";
    for (std::size_t i = 1; i < count; ++i)
      line += ",\"k" + std::to_string(i) + "\":1";
    return line + "}";
  };
  BOOST_TEST(verdict(with_fields(31)) == "ok");
  BOOST_TEST(verdict(with_fields(32)) == "ok");
  BOOST_TEST(verdict(with_fields(33)) == "bad_request unparsable");

  // 10,000 keys cost no more than 33: under 2 ms, at the best of five on a busy machine.
  auto flood = with_fields(10'000);
  auto best = std::chrono::nanoseconds::max();
  reading r;
  for (int i = 0; i < 5; ++i) {
    auto start = std::chrono::steady_clock::now();
    r.parse(flood);
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
    BOOST_TEST(verdict(r) == "bad_request unparsable");
  }
  BOOST_TEST((best < 2ms), best.count() << " ns");
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_ignored) {
  expect({
      {R"({"type":"ping","x":[1,{"type":"y"}]})", "ok"},
      {"{\"type\":\"ping\",\"d\xc3\xa4ta\":1}", "ok"},
      {R"({"type":"ping","TYPE":"x","":1,"typ":1,"types":1})", "ok"},
      {R"({"type":"ping","x":[1,})", "bad_json unparsable"},
  });
  reading r(R"({"type":"send","to":"bob","d\u0061ta":1})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->data.bytes == "1");
}

BOOST_AUTO_TEST_CASE(a_send_has_exactly_one_address) {
  expect({
      {R"({"type":"send","data":1})", "bad_request to"},
      {R"({"type":"send","data":1,"group":"g"})", "bad_request to"},
      {R"({"type":"send","data":1,"group":"g","to":"a"})", "ok"},
      {R"({"type":"send","data":1,"user":"a"})", "ok"},
      {R"({"type":"send","data":1,"session":"a"})", "ok"},
      {R"({"type":"send","data":1,"session":""})", "bad_request session"},
      {R"({"type":"send","data":1,"to":"a","user":"a"})", "bad_request user"},
      {R"({"type":"send","data":1,"to":"a","session":"a"})", "bad_request session"},
      {R"({"type":"send","data":1,"user":"a","session":"a"})", "bad_request session"},
      {R"({"type":"send","data":1,"to":"a","user":"a","session":"a"})", "bad_request user"},
      {R"({"type":"send","data":1,"group":"g","user":"a"})", "bad_request group"},
      {R"({"type":"send","data":1,"group":"g","session":"a"})", "bad_request group"},
      {R"({"type":"request","id":1,"data":1})", "bad_request to id=1"},
      {R"({"type":"request","id":1,"data":1,"group":"g","user":"a"})", "bad_request group id=1"},
      {R"({"type":"request","id":1,"data":1,"to":"a","user":"a"})", "bad_request user id=1"},
      {R"({"type":"request","id":1,"data":1,"to":"a","group":"g"})", "ok"},
      {R"({"type":"request","to":"a","data":1})", "bad_request id"},
  });
}

BOOST_AUTO_TEST_CASE(recipients_are_counted_before_equal_ones_collapse) {
  auto send_to = [](std::string_view to) {
    return "{\"type\":\"send\",\"data\":1,\"to\":" + std::string(to) + "}";
  };
  auto except = [](std::string_view list) {
    return "{\"type\":\"publish\",\"data\":1,\"except\":" + std::string(list) + "}";
  };
  std::string equal = "[\"a\"";
  for (int i = 1; i < 257; ++i)
    equal += ",\"a\"";
  equal += "]";
  expect({
      {send_to("[]"), "bad_request to"},
      {send_to(list_of(1)), "ok"},
      {send_to(list_of(255)), "ok"},
      {send_to(list_of(256)), "ok"},
      {send_to(list_of(257)), "too_many to"},
      {send_to(equal), "too_many to"},
      {send_to("[\"a\",1]"), "bad_request to"},
      {send_to("[\"a\",\"\"]"), "bad_request to"},
      {send_to("[[\"a\"]]"), "bad_request to"},
      {except("[]"), "ok"},
      {except(list_of(256)), "ok"},
      {except(list_of(257)), "too_many except"},
      {except("[null]"), "bad_request except"},
      {except("\"a\""), "bad_request except"},
  });

  reading r(send_to(R"(["b","a","b","\u0061","c","a"])"));
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->to == (std::vector<std::string_view>{"b", "a", "c"}),
             boost::test_tools::per_element());

  r.parse(send_to(list_of(256)));
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->to.size() == 256U);
  BOOST_TEST(r.frame->to[255] == "a255");

  r.parse(except(R"(["b","b"])"));
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->except.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_request_asks_one) {
  auto ask = [](std::string_view to) {
    return "{\"type\":\"request\",\"id\":1,\"data\":1,\"to\":" + std::string(to) + "}";
  };
  expect({
      {ask("\"a\""), "ok"},
      {ask("[\"a\"]"), "ok"},
      {ask("[]"), "bad_request to id=1"},
      {ask("[\"a\",\"b\"]"), "bad_request to id=1"},
      {ask("[\"a\",\"a\"]"), "bad_request to id=1"},
      {ask(list_of(257)), "bad_request to id=1"},
  });
}

BOOST_AUTO_TEST_CASE(names_in_a_frame_are_checked) {
  for (std::string_view bad : {"", "$sys", "a\\u0000", "\\u001f", "\\u007f", "\\u0085", "a\\n"}) {
    auto text = "\"" + std::string(bad) + "\"";
    expect({
        {"{\"type\":\"leave\",\"group\":" + text + "}", "bad_request group"},
        {"{\"type\":\"join\",\"as\":" + text + "}", "bad_request as"},
        {"{\"type\":\"send\",\"data\":1,\"to\":" + text + "}", "bad_request to"},
        {"{\"type\":\"send\",\"data\":1,\"to\":[" + text + "]}", "bad_request to"},
        {"{\"type\":\"send\",\"data\":1,\"user\":" + text + "}", "bad_request user"},
        {"{\"type\":\"publish\",\"data\":1,\"except\":[" + text + "]}", "bad_request except"},
    });
  }
  auto group = [](std::size_t bytes) {
    return verdict("{\"type\":\"leave\",\"group\":\"" + std::string(bytes, 'g') + "\"}");
  };
  BOOST_TEST(group(199) == "ok");
  BOOST_TEST(group(200) == "ok");
  BOOST_TEST(group(201) == "bad_request group");
  auto uid = [](std::size_t bytes) {
    return verdict("{\"type\":\"send\",\"data\":1,\"to\":\"" + std::string(bytes, 'u') + "\"}");
  };
  BOOST_TEST(uid(127) == "ok");
  BOOST_TEST(uid(128) == "ok");
  BOOST_TEST(uid(129) == "bad_request to");

  reading r("{\"type\":\"leave\",\"group\":\"*/\xe2\x80\xae"
            R"(\u0065\u0301\ud83d\ude00"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->group.value() == "*/\xe2\x80\xae"
                                       "e\xcc\x81\xf0\x9f\x98\x80");
}

BOOST_AUTO_TEST_CASE(numbers_stay_within_their_range) {
  auto in = [](std::string_view rest, std::string_view number) {
    return verdict("{\"type\":" + std::string(rest) + std::string(number) + "}");
  };
  struct {
    std::string_view rest, field;
    std::vector<std::string_view> allowed, refused;
  } table[] = {
      {R"("send","to":"a","data":1,"ttl":)",
       "ttl",
       {"1", "2", "59", "60"},
       {"0", "61", "-1", "1.5", "5e0"}},
      {R"("request","to":"a","data":1,"id":1,"timeout_ms":)",
       "timeout_ms id=1",
       {"50", "51", "59999", "60000"},
       {"49", "60001", "0", "1e3"}},
      {R"("roster","id":1,"limit":)",
       "limit id=1",
       {"1", "2147483647", "2147483648"},
       {"0", "2147483649", "-1"}},
      {R"("reply","data":1,"request":)",
       "request",
       {"1", "9007199254740991"},
       {"0", "9007199254740992", "1.0"}},
      {R"("received","message":)",
       "message",
       {"1", "9007199254740991"},
       {"0", "9007199254740992", "[0]", "[1,1.5]"}},
      {R"("ping","received":)",
       "received",
       {"0", "9007199254740991"},
       {"-1", "9007199254740992", "0.5"}},
  };
  for (const auto& row : table) {
    for (auto number : row.allowed)
      BOOST_TEST(in(row.rest, number) == "ok", row.rest << number);
    for (auto number : row.refused)
      BOOST_TEST(in(row.rest, number) == "bad_request " + std::string(row.field),
                 row.rest << number);
  }
}

BOOST_AUTO_TEST_CASE(meta_and_token_are_as_long_as_their_limit_allows) {
  auto meta = [](std::size_t bytes) {
    return verdict("{\"type\":\"join\",\"id\":1,\"meta\":\"" + std::string(bytes - 2, 'm') + "\"}");
  };
  BOOST_TEST(meta(1023) == "ok");
  BOOST_TEST(meta(1024) == "ok");
  BOOST_TEST(meta(1025) == "too_large meta id=1");
  auto token = [](std::string_view type, std::size_t bytes) {
    return verdict("{\"type\":\"" + std::string(type) + "\",\"id\":1,\"token\":\"" +
                   std::string(bytes, 't') + "\"}");
  };
  for (auto type : {"hello", "join"}) {
    BOOST_TEST(token(type, 8191) == "ok");
    BOOST_TEST(token(type, 8192) == "ok");
    BOOST_TEST(token(type, 8193) == "too_large token id=1");
  }
}

BOOST_AUTO_TEST_CASE(a_payload_is_given_in_exactly_one_way) {
  for (const auto& type : types) {
    if (!is_listed(type, "data"))
      continue;
    auto line = [&](std::string_view payload) {
      auto text = "{\"type\":\"" + type.name + "\",\"id\":5";
      for (const auto& [field, value] : type.base)
        if (field != "data" && field != "id")
          text += ",\"" + field + "\":" + value;
      return verdict(text + std::string(payload) + "}");
    };
    auto id = type.name == "reply" ? ""s : " id=5"s;
    BOOST_TEST(line("") == "bad_request data" + id, type.name);
    BOOST_TEST(line(R"(,"data":null)") == "ok", type.name);
    BOOST_TEST(line(R"(,"base64":"")") == "ok", type.name);
    BOOST_TEST(line(R"(,"base64":"aGk=")") == "ok", type.name);
    BOOST_TEST(line(R"(,"base64":"a\/+\/")") == "ok", type.name);
    BOOST_TEST(line(R"(,"base64":"aGk")") == "bad_request base64" + id, type.name);
    BOOST_TEST(line(R"(,"base64":"aGl=")") == "bad_request base64" + id, type.name);
    BOOST_TEST(line(R"(,"base64":"a-_a")") == "bad_request base64" + id, type.name);
    BOOST_TEST(line(R"(,"data":1,"base64":"aGk=")") == "bad_request base64" + id, type.name);
  }
}

BOOST_AUTO_TEST_CASE(a_reply_says_yes_or_no) {
  expect({
      {R"({"type":"reply","data":1})", "bad_request request"},
      {R"({"type":"reply","request":1})", "bad_request data"},
      {R"({"type":"reply","request":1,"data":1,"error":{"code":"no"}})", "bad_request error"},
      {R"({"type":"reply","request":1,"base64":"","error":{"code":"no"}})", "bad_request error"},
      {R"({"type":"reply","request":1,"error":{"code":"no"}})", "ok"},
      {R"({"type":"reply","request":1,"error":{}})", "bad_request error"},
      {R"({"type":"reply","request":1,"error":{"message":"m"}})", "bad_request error"},
      {R"({"type":"reply","request":1,"error":{"code":1}})", "bad_request error"},
      {R"({"type":"reply","request":1,"error":{"code":""}})", "bad_request error"},
      {R"({"type":"reply","request":1,"error":{"code":"No"}})", "bad_request error"},
      {R"({"type":"reply","request":1,"error":{"code":"no","code":"no"}})", "bad_request error"},
      {R"({"type":"reply","request":1,"error":{"code":"no","message":1}})", "bad_request error"},
      {R"({"type":"reply","request":1,"error":{"code":")" + std::string(64, 'a') + "\"}}", "ok"},
      {R"({"type":"reply","request":1,"error":{"code":")" + std::string(65, 'a') + "\"}}",
       "bad_request error"},
  });
}

BOOST_AUTO_TEST_CASE(confirmations_are_counted) {
  auto confirm = [](std::string_view list) {
    return verdict("{\"type\":\"received\",\"message\":" + std::string(list) + "}");
  };
  BOOST_TEST(confirm("[]") == "bad_request message");
  BOOST_TEST(confirm(numbers_of(255)) == "ok");
  BOOST_TEST(confirm(numbers_of(256)) == "ok");
  BOOST_TEST(confirm(numbers_of(257)) == "too_many message");
}

BOOST_AUTO_TEST_CASE(features_to_come_refuse_the_frame_whole) {
  auto key = [](std::size_t bytes) {
    return verdict("{\"type\":\"send\",\"id\":1,\"to\":\"a\",\"data\":1,\"key\":\"" +
                   std::string(bytes, 'k') + "\"}");
  };
  BOOST_TEST(key(0) == "bad_request key id=1");
  BOOST_TEST(key(63) == "not_implemented key id=1");
  BOOST_TEST(key(64) == "not_implemented key id=1");
  BOOST_TEST(key(65) == "bad_request key id=1");
  expect({
      {R"({"type":"publish","id":1,"data":1,"key":"k"})", "not_implemented key id=1"},
      {R"({"type":"join","id":1,"since":{"epoch":"e","offset":1}})", "not_implemented since id=1"},
      {R"({"type":"join","id":1,"last":10})", "not_implemented last id=1"},
      {R"({"type":"join","id":1,"last":0})", "bad_request last id=1"},
      {R"({"type":"hello","id":1,"resume":{}})", "not_implemented resume id=1"},
      {R"({"type":"history","id":1})", "not_implemented id=1"},
      {R"({"type":"history","id":1,"group":"g","limit":5,"reverse":true})", "not_implemented id=1"},
      {R"({"type":"history"})", "bad_request id"},
      {R"({"type":"roster"})", "bad_request id"},
      {R"({"type":"refresh","id":1,"token":"t"})", "not_implemented id=1"},
      {R"({"type":"refresh","id":1})", "bad_request token id=1"},
      // What else is wrong comes first: it stays wrong when the feature is there.
      {R"({"type":"send","id":1,"to":"a","key":"k"})", "bad_request data id=1"},
      {R"({"type":"request","id":1,"to":"a","data":1,"key":"k"})", "ok"},
  });
}

BOOST_AUTO_TEST_CASE(a_binary_message_carries_its_payload_behind_the_header) {
  reading r;
  r.parse_binary(binary_message(R"({"type":"send","to":"bob","id":3})", "\0\xff{"s));
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->id == 3U);
  BOOST_TEST(r.frame->data.opaque);
  BOOST_TEST(r.frame->data.bytes == "\0\xff{"s);

  auto verdict_of = [&](std::string_view header, std::string_view body) {
    r.parse_binary(binary_message(header, body));
    return verdict(r);
  };
  BOOST_TEST(verdict_of(R"({"type":"publish"})", "") == "ok", "an empty payload is one, too");
  BOOST_TEST((r.frame->data.opaque && r.frame->data.bytes.empty()));
  BOOST_TEST(verdict_of(R"({"type":"request","id":1,"to":"a"})", "x") == "ok");
  BOOST_TEST(verdict_of(R"({"type":"reply","request":1})", "x") == "ok");
  BOOST_TEST(verdict_of(R"({"type":"send","to":"a","data":1})", "x") == "bad_request data");
  BOOST_TEST(verdict_of(R"({"type":"send","to":"a","base64":""})", "") == "bad_request base64");
  BOOST_TEST(verdict_of(R"({"type":"reply","request":1,"error":{"code":"no"}})", "x") ==
             "bad_request error");
  BOOST_TEST(verdict_of(R"({"type":"send","id":1})", "x") == "bad_request to id=1");
  for (const auto& type : types)
    if (!is_listed(type, "data")) {
      auto refused = verdict_of(frame_with(type, "unknown", "1"), "x");
      BOOST_TEST(refused.starts_with("bad_request type"), type.name << ": " << refused);
    }
}

BOOST_AUTO_TEST_CASE(a_binary_message_without_a_json_header_is_a_bad_request) {
  for (const auto& message :
       {""s, "\0"s, "\0\0"s, "\0\x05{}"s, "\xff\xff{}"s, binary_message("", "{}"),
        binary_message("{", "}"), binary_message("x", "{}"), binary_message("{}{}", ""),
        binary_message("[]", "")}) {
    reading r;
    r.parse_binary(message);
    BOOST_TEST(verdict(r) == "bad_request unparsable", message);
  }
  reading r;
  r.parse_binary(binary_message("{}", "x"));
  BOOST_TEST(verdict(r) == "bad_request type unparsable");
}

BOOST_AUTO_TEST_CASE(slices_stay_valid_until_the_next_parse) {
  // Every kind of unescaped text in one frame, so long that a buffer which grew would have moved.
  auto uid = [](int i) { return std::string(90, 'x') + std::to_string(i); };
  std::string list = "[";
  for (int i = 0; i < 200; ++i)
    list += (i ? ",\"" : "\"") + R"(\u0061\/)"s + uid(i) + "\"";
  auto line = R"({"type":"se\u006ed","group":"\u0067\/","to":)" + list + R"(],"base64":")" +
              std::string(4000, 'A') + R"(\/\/\/\/"})";
  reading r;
  for (int round = 0; round < 20; ++round) { // The buffer is used again, not added to.
    r.parse(line);
    BOOST_REQUIRE(r.frame);
    BOOST_TEST(r.frame->group.value() == "g/");
    BOOST_REQUIRE(r.frame->to.size() == 200U);
    for (int i = 0; i < 200; ++i)
      BOOST_TEST(r.frame->to[static_cast<std::size_t>(i)] == "a/" + uid(i));
    BOOST_TEST(r.frame->data.bytes == std::string(3000, '\0') + "\xff\xff\xff");
  }
}

BOOST_AUTO_TEST_CASE(nothing_of_a_frame_is_left_in_the_next) {
  reading r(
      R"({"type":"join","id":9,"group":"g","as":"a","meta":1,"presence":"full","interest":"direct","token":"t"})");
  BOOST_REQUIRE(r.frame);
  r.parse(R"({"type":"send","id":9,"to":["a","b"],"data":1,"ttl":9,"confirm":"written"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST((!r.frame->as && !r.frame->meta && !r.frame->presence && !r.frame->interest &&
              !r.frame->token));
  r.parse(R"({"type":"received","message":[1,2]})");
  r.parse("{broken");
  r.parse(R"({"type":"update"})");
  BOOST_REQUIRE(r.frame);
  BOOST_TEST(r.frame->id == 0U);
  BOOST_TEST((!r.frame->group && r.frame->to.empty() && r.frame->received.empty() &&
              r.frame->data.bytes.empty()));
  BOOST_TEST((r.frame->ttl == 5s && r.frame->confirm == confirm_level::queued));
}

BOOST_AUTO_TEST_CASE(a_batch_is_split_at_line_feeds) {
  std::vector<std::string_view> lines;
  auto split = [&](std::string_view message) {
    auto refused = split_batch(message, bounds, lines);
    return refused ? std::string(name(*refused)) : std::to_string(lines.size());
  };
  BOOST_TEST(split("{}") == "1");
  BOOST_TEST(lines[0] == "{}");
  BOOST_TEST(split("{\"a\":1}\n{\"b\":2}") == "2");
  BOOST_TEST(lines[1] == "{\"b\":2}");
  BOOST_TEST(split("\n{}\r\n\n \t\r\n{}\n\n") == "2");
  BOOST_TEST(split("") == "bad_request");
  BOOST_TEST(split("\n") == "bad_request");
  BOOST_TEST(split(" \r\n\t\n") == "bad_request");

  auto batch = [](std::size_t frames) {
    std::string message;
    for (std::size_t i = 0; i < frames; ++i)
      message += "{}\n\n";
    return message;
  };
  BOOST_TEST(split(batch(63)) == "63");
  BOOST_TEST(split(batch(64)) == "64");
  BOOST_TEST(split(batch(65)) == "too_many");
  BOOST_TEST(split(batch(1000)) == "too_many");
}

BOOST_AUTO_TEST_SUITE_END()
