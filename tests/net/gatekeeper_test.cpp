#include "net/gatekeeper.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <vector>

using namespace beckon::net;
using namespace std::chrono_literals;
using beckon::actors::steady_time;
using beckon::protocol::limits;
using boost::asio::ip::make_address;

namespace {

struct visitor final : gatekeeper::guest {
  void asked_to_go() noexcept override { asked = true; }
  bool asked = false;
};

/// A gatekeeper and those who came to it. All leave at its end.
struct gate {
  explicit gate(limits how) : bounds(how), keeper(bounds) {}
  ~gate() {
    for (auto& v : visitors)
      if (v.of)
        keeper.gone(v.who);
  }

  struct visit {
    visitor who;
    bool of = true;
  };
  visitor& come(const char* from) {
    visitors.emplace_back();
    keeper.accepted(visitors.back().who, make_address(from));
    return visitors.back().who;
  }
  std::vector<visitor*> come(const char* from, std::size_t n) {
    std::vector<visitor*> all;
    for (std::size_t i = 0; i < n; ++i)
      all.push_back(&come(from));
    return all;
  }
  unsigned enter(visitor& v) {
    auto status = keeper.take_in(v);
    keeper.answered(v, true);
    return status;
  }
  void leave(visitor& v) {
    keeper.answered(v, true);
    keeper.gone(v);
    for (auto& known : visitors)
      if (&known.who == &v)
        known.of = false;
  }
  std::size_t asked() const {
    std::size_t n = 0;
    for (auto& v : visitors)
      n += v.who.asked;
    return n;
  }

  limits bounds;
  gatekeeper keeper;
  std::deque<visit> visitors;
};

limits small() {
  limits bounds;
  bounds.connections_per_address_max = 4; // so that eight may be half open
  bounds.handshakes_in_progress_max = 10;
  bounds.handshakes_per_second = 0;
  return bounds;
}

constexpr auto a = "10.0.0.1";
constexpr auto b = "10.0.0.2";
const steady_time start{1h};

} // namespace

BOOST_AUTO_TEST_SUITE(net_gatekeeper)

BOOST_AUTO_TEST_CASE(of_many_at_once_as_many_get_in_as_may) {
  gate g(small());
  auto all = g.come(a, 8);
  std::vector<unsigned> statuses;
  for (auto* v : all)
    statuses.push_back(g.enter(*v));
  BOOST_TEST((statuses == std::vector<unsigned>{0, 0, 0, 0, 429, 429, 429, 429}));
  BOOST_TEST(g.asked() == 0U);
  BOOST_TEST(g.enter(g.come(b)) == 0U);
}

BOOST_AUTO_TEST_CASE(a_place_is_free_when_its_session_has_gone) {
  gate g(small());
  auto all = g.come(a, 5);
  for (auto* v : all)
    g.enter(*v);
  g.leave(*all[4]); // it had been refused
  BOOST_TEST(g.enter(g.come(a)) == 429U);
  g.leave(*all[0]);
  BOOST_TEST(g.enter(g.come(a)) == 0U);
  BOOST_TEST(g.enter(g.come(a)) == 429U);
}

BOOST_AUTO_TEST_CASE(connections_in_all_are_bounded) {
  auto bounds = small();
  bounds.connections_max = 2;
  gate g(bounds);
  auto& first = g.come(a);
  BOOST_TEST(g.enter(first) == 0U);
  BOOST_TEST(g.enter(g.come(b)) == 0U);
  BOOST_TEST(g.enter(g.come("10.0.0.3")) == 503U);
  g.leave(first);
  BOOST_TEST(g.enter(g.come("10.0.0.4")) == 0U);
}

BOOST_AUTO_TEST_CASE(no_limit_is_none) {
  auto bounds = small();
  bounds.connections_per_address_max = bounds.connections_max = 0;
  gate g(bounds);
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(g.enter(g.come(a)) == 0U);
  BOOST_TEST(g.asked() == 0U);
}

BOOST_AUTO_TEST_CASE(the_oldest_silent_one_of_an_address_makes_room_for_its_next) {
  gate g(small());
  auto all = g.come(a, 8);
  BOOST_TEST(g.asked() == 0U);
  g.come(a);
  BOOST_TEST(all[0]->asked);
  g.keeper.spoke(*all[1]);
  g.come(a);
  BOOST_TEST(!all[1]->asked);
  BOOST_TEST(all[2]->asked);
  BOOST_TEST(g.asked() == 2U);
  BOOST_TEST(!g.keeper.admit(start)); // and nobody waits
}

BOOST_AUTO_TEST_CASE(where_all_but_the_newest_have_spoken_the_oldest_goes) {
  gate g(small());
  auto all = g.come(a, 8);
  for (auto* v : all)
    g.keeper.spoke(*v);
  auto& newest = g.come(a);
  BOOST_TEST(all[0]->asked);
  BOOST_TEST(!newest.asked);
}

BOOST_AUTO_TEST_CASE(one_that_was_asked_may_still_get_in) {
  gate g(small());
  auto all = g.come(a, 9);
  BOOST_TEST(all[0]->asked);
  BOOST_TEST(g.enter(*all[0]) == 0U);
  g.leave(*all[0]);
  BOOST_TEST(g.asked() == 1U);
}

BOOST_AUTO_TEST_CASE(in_all_it_is_one_of_the_address_that_has_the_most) {
  auto bounds = small();
  bounds.connections_per_address_max = 0;
  gate g(bounds);
  auto& other = g.come(b);
  auto crowd = g.come(a, 9);
  BOOST_TEST(g.asked() == 0U);
  auto& third = g.come("10.0.0.3");
  BOOST_TEST(crowd[0]->asked);
  BOOST_TEST(!other.asked);
  BOOST_TEST(!third.asked);
  g.come(a, 20);
  BOOST_TEST(!other.asked);
  BOOST_TEST(!third.asked);
  BOOST_TEST(g.asked() == 21U);
}

BOOST_AUTO_TEST_CASE(among_equals_the_oldest_goes) {
  gate g(small());
  std::deque<std::string> names;
  std::vector<visitor*> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(&g.come(names.emplace_back("10.0.1." + std::to_string(i)).c_str()));
  BOOST_TEST(g.asked() == 0U);
  auto& newest = g.come("10.0.2.1");
  BOOST_TEST(all[0]->asked);
  BOOST_TEST(!newest.asked);
  g.come("10.0.2.2");
  BOOST_TEST(all[1]->asked);
}

BOOST_AUTO_TEST_CASE(who_has_spoken_is_waited_for_in_all) {
  auto bounds = small();
  bounds.connections_per_address_max = 0;
  gate g(bounds);
  auto all = g.come(a, 10);
  for (auto* v : all)
    g.keeper.spoke(*v);
  BOOST_TEST(g.keeper.admit(start).has_value());
  auto& late = g.come(b); // as when another thread had asked at the same moment
  BOOST_TEST(g.asked() == 0U);
  g.leave(late);
  g.leave(*all[0]);
  BOOST_TEST(!g.keeper.admit(start).has_value());
}

BOOST_AUTO_TEST_CASE(who_asks_for_nothing_costs_nothing_of_the_rate) {
  auto bounds = small();
  bounds.handshakes_per_second = 1;
  bounds.handshakes_burst = 2;
  gate g(bounds);
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST(!g.keeper.admit(start));
    auto& v = g.come(a);
    g.keeper.answered(v, false);
    g.leave(v);
  }
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(!g.keeper.admit(start));
    g.leave(g.come(a));
  }
  BOOST_TEST(g.keeper.admit(start).has_value());
}

BOOST_AUTO_TEST_CASE(addresses_of_one_64_are_one) {
  gate g(small());
  for (auto from :
       {"2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::", "2001:db8:1:2:3:4:5:6"})
    BOOST_TEST(g.enter(g.come(from)) == 0U, from);
  BOOST_TEST(g.enter(g.come("2001:db8:1:2:aaaa::1")) == 429U);
  BOOST_TEST(g.enter(g.come("2001:db8:1:3::1")) == 0U);

  for (std::size_t i = 0; i <= gatekeeper::failures_max; ++i)
    g.keeper.failed_token(make_address("2001:db8:9:9::" + std::to_string(i)), start);
  BOOST_TEST(g.keeper.check_failures(make_address("2001:db8:9:9:1::"), start) == 429U);
  BOOST_TEST(g.keeper.check_failures(make_address("2001:db8:9:8::1"), start) == 0U);
}

BOOST_AUTO_TEST_CASE(addresses_of_version_4_are_told_apart) {
  gate g(small());
  for (int i = 0; i < 4; ++i)
    g.enter(g.come(a));
  BOOST_TEST(g.enter(g.come(a)) == 429U);
  BOOST_TEST(g.enter(g.come(b)) == 0U);
}

BOOST_AUTO_TEST_CASE(bad_tokens_are_forgotten_after_their_window) {
  gate g(small());
  auto from = make_address(a);
  for (std::size_t i = 0; i < gatekeeper::failures_max; ++i)
    g.keeper.failed_token(from, start);
  BOOST_TEST(g.keeper.check_failures(from, start) == 0U);
  g.keeper.failed_token(from, start);
  BOOST_TEST(g.keeper.check_failures(from, start) == 429U);
  BOOST_TEST(g.keeper.check_failures(from, start + gatekeeper::failures_window) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
