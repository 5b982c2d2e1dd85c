#include "actors/timed_book.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>

using namespace beckon::actors;
using namespace std::chrono_literals;

namespace {

constexpr steady_time start{1h};

struct note {
  steady_time expires{};
  std::string text = {};
};
using book = timed_book<int, note>;

std::string all_due(book& b, steady_time now) {
  std::string text;
  note out;
  while (auto* key = b.due(now)) {
    b.take(*key, out);
    text += out.text;
  }
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_timed_book)

BOOST_AUTO_TEST_CASE(what_is_due_comes_by_its_time_and_of_one_time_in_the_order_in_which_it_came) {
  book b;
  b.add(1, {start + 3s, "d"});
  b.add(2, {start + 1s, "a"});
  b.add(3, {start + 2s, "b"});
  b.add(4, {start + 2s, "c"});
  BOOST_TEST((b.next_expiry() == start + 1s));
  BOOST_TEST(all_due(b, start + 1s - 1ns) == "");
  BOOST_TEST(all_due(b, start + 2s) == "abc");
  BOOST_TEST(b.size() == 1U);
  BOOST_TEST(all_due(b, start + 1h) == "d");
  BOOST_TEST(b.empty());
  BOOST_TEST(!b.due(start + 1h));
}

BOOST_AUTO_TEST_CASE(one_of_a_key_is_held) {
  book b;
  note out;
  auto* added = b.add(1, {start, "a"});
  BOOST_TEST(added == b.find(1));
  BOOST_TEST(!b.add(1, {start - 1s, "b"}));
  BOOST_TEST(b.find(1)->text == "a");
  BOOST_TEST(b.contains(1));
  BOOST_TEST(b.take(1, out));
  BOOST_TEST(!b.take(1, out));
  BOOST_TEST(!b.erase(1));
  BOOST_TEST(!b.find(1));
  BOOST_TEST(b.add(1, {start, "c"}));
}

BOOST_AUTO_TEST_CASE(a_book_may_move_with_what_it_holds) {
  book one;
  one.add(1, {start, "a"});
  one.add(2, {start + 1s, "b"});
  book other(std::move(one));
  BOOST_TEST(all_due(other, start) == "a");
  book third;
  third.add(3, {start, "gone"});
  third = std::move(other);
  BOOST_TEST(other.empty());
  BOOST_TEST(all_due(third, start + 1h) == "b");
  third = {};
  BOOST_TEST(third.empty());
  other.add(4, {start, "d"});
  BOOST_TEST(all_due(other, start) == "d");
}

BOOST_AUTO_TEST_SUITE_END()
