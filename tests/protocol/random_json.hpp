#pragma once
// Random texts and JSON values for properties, as rapidcheck generates them.

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <rapidcheck.h>
#include <string>
#include <utility>
#include <vector>

namespace beckon::test {

/// UTF-8 with everything that needs care in JSON: quotes, control characters, characters of every
/// length.
inline rc::Gen<std::string> random_text() {
  auto character = rc::gen::weightedOneOf<std::string>({
      {6, rc::gen::map(rc::gen::inRange<int>(0x20, 0x7F),
                       [](int c) { return std::string(1, char(c)); })},
      {2,
       rc::gen::map(rc::gen::inRange<int>(0, 0x20), [](int c) { return std::string(1, char(c)); })},
      {1, rc::gen::element<std::string>("\"", "\\", "/", "\x7f", "\xc2\x80", "\xc3\xa9",
                                        "\xe2\x80\xae", "\xef\xbf\xbf", "\xf0\x9f\x98\x80",
                                        "\xf4\x8f\xbf\xbf")},
  });
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(std::move(character)),
                      [](const std::vector<std::string>& parts) {
                        std::string text;
                        for (const auto& part : parts)
                          text += part;
                        return text;
                      });
}

/// A value nested at most `depth` deep.
inline rc::Gen<boost::json::value> random_value(int depth) {
  using boost::json::value;
  auto scalar = rc::gen::oneOf(
      rc::gen::just(value(nullptr)),
      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return value(b); }),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t n) { return value(n); }),
      rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t n) { return value(n); }),
      rc::gen::map(rc::gen::inRange(-1000, 1000), [](int n) { return value(n / 8.0); }),
      rc::gen::map(random_text(), [](const std::string& s) { return value(s); }));
  if (depth == 0)
    return scalar;
  constexpr auto shorter =
      0.3; // A list of lists of a hundred each is no better a test, only a slow one.
  auto list = rc::gen::map(
      rc::gen::scale(shorter, rc::gen::container<std::vector<value>>(random_value(depth - 1))),
      [](const std::vector<value>& v) { return value(boost::json::array(v.begin(), v.end())); });
  auto object = rc::gen::map(
      rc::gen::scale(shorter, rc::gen::container<std::vector<std::pair<std::string, value>>>(
                                  rc::gen::pair(random_text(), random_value(depth - 1)))),
      [](const std::vector<std::pair<std::string, value>>& v) {
        boost::json::object o;
        for (const auto& [key, member] : v)
          o[key] = member;
        return value(std::move(o));
      });
  return rc::gen::weightedOneOf<value>({{4, scalar}, {1, list}, {1, object}});
}

} // namespace beckon::test
