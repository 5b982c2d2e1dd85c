#include "protocol/json.hpp"

#include "tests/protocol/random_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/version.hpp>
#include <map>
#include <vector>

using namespace beckon::protocol;
using namespace std::string_literals;

namespace {

using found_fields = std::vector<std::pair<std::string, std::string>>;

/// What the splitter found; the code that refused the text otherwise.
struct outcome_of_split {
  std::optional<code> refused;
  found_fields found;
};

outcome_of_split split(std::string_view text) {
  json_splitter splitter;
  json_splitter::object object;
  outcome_of_split result{splitter.split(text, object), {}};
  if (!result.refused)
    for (std::size_t i = 0; i < object.size; ++i)
      result.found.emplace_back(object.fields[i].key, object.fields[i].raw);
  return result;
}

std::string verdict(std::string_view text) {
  auto refused = split(text).refused;
  return refused ? std::string(name(*refused)) : "ok";
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string object_of(std::size_t fields) {
  std::string text = "{";
  for (std::size_t i = 0; i < fields; ++i)
    text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  return text + "}";
}

std::string unescaped(std::string_view raw) {
  std::string out;
  unescape(raw, out);
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_json)

BOOST_AUTO_TEST_CASE(an_object_is_split_into_keys_and_raw_values) {
  struct {
    std::string_view text;
    found_fields expected;
  } table[] = {
      {"{}", {}},
      {" { } ", {}},
      {"\t\r\n{\n}\t", {}},
      {R"({"a":1})", {{"a", "1"}}},
      {R"( { "a" : 1 , "b" : "x" } )", {{"a", "1"}, {"b", "\"x\""}}},
      {R"({"a":null,"b":true,"c":false})", {{"a", "null"}, {"b", "true"}, {"c", "false"}}},
      {R"({"data":{"a":[1,2,{"b":"}\"]"}]},"g":"x"})",
       {{"data", R"({"a":[1,2,{"b":"}\"]"}]})"}, {"g", "\"x\""}}},
      {R"({"a":-0.10e+5 ,"b":12345678901234567890123})",
       {{"a", "-0.10e+5"}, {"b", "12345678901234567890123"}}},
      {R"({"a":[ 1 , 2 ]	})", {{"a", "[ 1 , 2 ]"}}},
      {R"({"a":1,"a":2})", {{"a", "1"}, {"a", "2"}}},
      {R"({"":1})", {{"", "1"}}},
      {R"({"d\u0061ta":1})", {{"data", "1"}}},
      {R"({"\u0064":1,"\"\\\/\b\f\n\r\t":2})", {{"d", "1"}, {"\"\\/\b\f\n\r\t", "2"}}},
      {R"({"\u00e9":1,"\ud83d\ude00" : 2})", {{"\xc3\xa9", "1"}, {"\xf0\x9f\x98\x80", "2"}}},
      {"{\"\xc3\xa9\":1,\"\xf0\x9f\x98\x80\" :2}", {{"\xc3\xa9", "1"}, {"\xf0\x9f\x98\x80", "2"}}},
      {R"({"\u0000":1})", {{"\0"s, "1"}}},
  };
  for (const auto& [text, expected] : table) {
    auto result = split(text);
    BOOST_TEST(!result.refused, text);
    BOOST_TEST((result.found == expected), text);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_json_text_is_bad_json) {
  const std::string table[] = {
      "", " ", "{", "}", "{]", "nul", "x", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,",
      "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{\"a\"::1}", "{a:1}", "{'a':1}",
      "{\"a\":}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":-}", "{\"a\":1e}",
      "{\"a\":tru}", "{\"a\":True}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":[1,]}",
      "{\"a\":[1}", "{\"a\":{\"b\":1}", "{\"a\":{\"b\":1}}}", "{\"a\":1}{\"b\":2}", "{\"a\":1} x",
      "{\"a\":1},", "[1,]", "[1", "1 2", "\"a", "/**/{}", "{\"a\":1/**/}", "{\"a\":1//\n}",
      "\xef\xbb\xbf{\"a\":1}", "{\"a\":1}\0"s, "{\"a\0\":1}"s, "{\"a\":\"b\nc\"}", "{\"a\nb\":1}",
      "{\"a\":\"\\x\"}", "{\"a\\x\":1}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}",
      // Invalid UTF-8: a lone byte, an overlong form, a surrogate, beyond U+10FFFF, cut off. In
      // values and keys.
      "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}",
      "{\"a\":\"\xf4\x90\x80\x80\"}", "{\"a\":\"\xe2\x82\"}", "{\"\xff\":1}", "{\"\xc0\xaf\":1}",
      "{\"\xe2\x82\":1}", "{\"a\xed\xa0\x80\":1}",
      // Surrogate escapes that are alone, in values and keys.
      R"({"a":"\ud800"})", R"({"a":"\ud800x"})", R"({"a":"\ud800\u0041"})", R"({"a":"\udc00"})",
      R"({"a":"\udc00\ud800"})", R"({"\ud800":1})", R"({"\udc00":1})"};
  for (const auto& text : table)
    BOOST_TEST(verdict(text) == "bad_json", text);
}

BOOST_AUTO_TEST_CASE(an_exponent_that_boost_json_cannot_hold_is_bad_json_until_it_can) {
  // Boost 1.83, Debian 13's, reads it as infinity.
  BOOST_TEST(verdict("{\"a\":1e99999999999}") == (BOOST_VERSION < 108300 ? "bad_json" : "ok"));
}

BOOST_AUTO_TEST_CASE(json_that_is_no_object_is_a_bad_request) {
  for (auto text :
       {"[]", "[1,{\"a\":2}]", "\"text\"", "\"text\" ", "1", "-1.5e3", "null", "true", " false "})
    BOOST_TEST(verdict(text) == "bad_request", text);
}

BOOST_AUTO_TEST_CASE(values_are_nested_up_to_the_limit) {
  auto deep = [](std::size_t depth) { return verdict("{\"a\":" + nested(depth) + ",\"b\":1}"); };
  BOOST_TEST(deep(json_depth_max - 1) == "ok");
  BOOST_TEST(deep(json_depth_max) == "ok");
  BOOST_TEST(deep(json_depth_max + 1) == "bad_json");
  BOOST_TEST(deep(100'000) == "bad_json");

  std::string objects;
  for (std::size_t i = 0; i < json_depth_max; ++i)
    objects += "{\"a\":";
  BOOST_TEST(verdict(objects + "{\"a\":1}" + std::string(json_depth_max, '}')) == "ok");
  BOOST_TEST(verdict("{\"a\":" + objects + "{\"a\":1}" + std::string(json_depth_max + 1, '}')) ==
             "bad_json");
  BOOST_TEST(verdict(nested(json_depth_max + 1)) == "bad_json");
  BOOST_TEST(verdict(nested(json_depth_max)) == "bad_request");
}

BOOST_AUTO_TEST_CASE(an_object_has_fields_up_to_the_limit) {
  BOOST_TEST(verdict(object_of(frame_fields_max - 1)) == "ok");
  BOOST_TEST(verdict(object_of(frame_fields_max)) == "ok");
  BOOST_TEST(verdict(object_of(frame_fields_max + 1)) == "bad_request");
  BOOST_TEST(verdict(object_of(10'000)) == "bad_request");
  // It is not read on: what stands behind the 33rd key does not matter.
  auto broken = object_of(frame_fields_max + 1);
  broken.resize(broken.size() - 4);
  BOOST_TEST(verdict(broken + "\xff") == "bad_request");
}

BOOST_AUTO_TEST_CASE(escaped_keys_stay_valid_until_the_next_call) {
  auto key = [](std::size_t i) { return std::string(100, 'b') + std::to_string(i); };
  std::string text = "{";
  for (std::size_t i = 0; i < frame_fields_max; ++i)
    text += (i ? ",\"" : "\"") + "\\u0061"s + key(i) + "\":1";
  text += "}";
  json_splitter splitter; // the same for all rounds: nothing of one may be left in the next
  for (int round = 0; round < 20; ++round) {
    json_splitter::object object;
    BOOST_TEST(!splitter.split(text, object));
    BOOST_TEST(object.size == frame_fields_max);
    for (std::size_t i = 0; i < object.size; ++i)
      BOOST_TEST(object.fields[i].key == "a" + key(i));
  }
}

BOOST_AUTO_TEST_CASE(a_splitter_works_again_after_a_refusal) {
  json_splitter splitter;
  json_splitter::object object;
  for (std::string_view refused :
       {"{\"a\":\"\\ud8", "{\"a\":[[1,", "{\"a\":1e", "{\"a\":\"\xe2\x82\"}"}) {
    BOOST_TEST((splitter.split(refused, object) == code::bad_json));
    BOOST_TEST(!splitter.split("{\"b\":2}", object));
    BOOST_TEST(object.size == 1U);
    BOOST_TEST(object.fields[0].raw == "2");
  }
}

BOOST_AUTO_TEST_CASE(valid_takes_exactly_one_value) {
  json_splitter splitter;
  for (std::string_view text : {"1", " 1 ", "[]", "{\"a\":[1]}", "\"x\"", "\"x\" \t\r\n", "null"})
    BOOST_TEST(splitter.valid(text), text);
  for (std::string_view text : {"", " ", "1 2", "[", "[]]", "\"", "nul", "{}x"})
    BOOST_TEST(!splitter.valid(text), text);
}

BOOST_AUTO_TEST_CASE(each_element_of_an_array_is_shown_until_told_to_stop) {
  json_splitter splitter;
  auto elements = [&](std::string_view raw) {
    std::vector<std::string> found;
    BOOST_TEST(splitter.each_element(raw, [&](std::string_view element) {
      found.emplace_back(element);
      return true;
    }));
    return found;
  };
  using list = std::vector<std::string>;
  BOOST_TEST((elements("[]") == list{}));
  BOOST_TEST((elements("[ ]") == list{}));
  BOOST_TEST((elements("[1]") == list{"1"}));
  BOOST_TEST((elements("[ 1 , -2.5 ,\"a,]\" , [3,4], {\"b\":[5]} ,null ]") ==
              list{"1", "-2.5", "\"a,]\"", "[3,4]", "{\"b\":[5]}", "null"}));

  auto shown = 0;
  BOOST_TEST(!splitter.each_element("[1,2,3]", [&](std::string_view) { return ++shown < 2; }));
  BOOST_TEST(shown == 2);
}

BOOST_AUTO_TEST_CASE(the_first_byte_tells_the_kind) {
  BOOST_TEST((kind_of("null") == json_kind::null));
  BOOST_TEST((kind_of("true") == json_kind::boolean));
  BOOST_TEST((kind_of("false") == json_kind::boolean));
  BOOST_TEST((kind_of("-1") == json_kind::number));
  BOOST_TEST((kind_of("0") == json_kind::number));
  BOOST_TEST((kind_of("\"\"") == json_kind::string));
  BOOST_TEST((kind_of("[]") == json_kind::array));
  BOOST_TEST((kind_of("{}") == json_kind::object));
}

BOOST_AUTO_TEST_CASE(escapes_are_undone) {
  BOOST_TEST(unescaped(R"("")") == "");
  BOOST_TEST(unescaped(R"("plain")") == "plain");
  BOOST_TEST(unescaped(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  BOOST_TEST(unescaped(R"("a\u0000b")") == "a\0b"s);
  BOOST_TEST(unescaped(R"("\u007F\u0080\u07ff\u0800\uFFFF")") ==
             "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
  BOOST_TEST(unescaped(R"("\ud800\udc00\uDBFF\uDFFF")") == "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

BOOST_AUTO_TEST_CASE(quotes_backslashes_and_control_characters_are_escaped) {
  BOOST_TEST(in_quotes("") == R"("")");
  BOOST_TEST(in_quotes("plain \xc3\xa9") == "\"plain \xc3\xa9\"");
  BOOST_TEST(in_quotes("a\"b\\c/d") == R"("a\"b\\c/d")");
  BOOST_TEST(in_quotes("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  BOOST_TEST(in_quotes("\0\x1f\x7f"s) == "\"\\u0000\\u001f\x7f\"");
}

BOOST_AUTO_TEST_CASE(quoting_and_unescaping_give_the_text_back) {
  BOOST_TEST(rc::check("unescape(append_quoted(text)) == text", [] {
    const auto text = *beckon::test::random_text();
    json_splitter splitter;
    RC_ASSERT(splitter.valid(in_quotes(text)));
    RC_ASSERT(unescaped(in_quotes(text)) == text);
    RC_ASSERT(boost::json::parse(in_quotes(text)).as_string() == text);
  }));
}

BOOST_AUTO_TEST_CASE(the_slices_of_any_object_are_its_values) {
  BOOST_TEST(rc::check("split(serialize(object)) == object", [] {
    const auto value = *beckon::test::random_value(3);
    boost::json::object expected{{"first", value}, {"second", *beckon::test::random_value(2)}};
    expected[*beckon::test::random_text()] = value;
    auto result = split(boost::json::serialize(expected));
    RC_ASSERT(!result.refused);
    RC_ASSERT(result.found.size() == expected.size());
    for (const auto& [key, raw] : result.found)
      RC_ASSERT(boost::json::parse(raw) == expected.at(key));
  }));
}

BOOST_AUTO_TEST_CASE(an_integer_is_whole_and_within_its_range) {
  BOOST_TEST(integer("1", 1, 60).value() == 1);
  BOOST_TEST(integer("60", 1, 60).value() == 60);
  BOOST_TEST(integer("-5", -5, 0).value() == -5);
  BOOST_TEST(integer("9007199254740991", 1, static_cast<std::int64_t>(id_max)).value() ==
             9007199254740991);
  for (auto raw : {"0", "61", "-1", "1.0", "1.5", "1e1", "1E0", "18446744073709551617", "\"1\"",
                   "null", "[1]", "99999999999999999999999999999999"})
    BOOST_TEST(!integer(raw, 1, 60), raw);
}

BOOST_AUTO_TEST_SUITE_END()
