#include "actors/timing_wheel.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace beckon::actors;
using namespace std::chrono_literals;

namespace {

constexpr steady_time start{1h};

struct note final : deadline {
  explicit note(std::function<void(note&, steady_time)> then = [](note&, steady_time) {})
      : act(std::move(then)) {}
  void due(steady_time now) override {
    ++fired;
    act(*this, now);
  }
  void failed(const char* why) noexcept override { heard = why; }
  int fired = 0;
  std::string heard; ///< what it was told that `due` threw
  std::function<void(note&, steady_time)> act;
};

} // namespace

BOOST_AUTO_TEST_SUITE(actors_timing_wheel)

BOOST_AUTO_TEST_CASE(a_deadline_fires_at_its_time_and_never_before) {
  timing_wheel wheel(start);
  note at_tick, after_tick;
  wheel.set(at_tick, start + 40ms);
  wheel.set(after_tick, start + 41ms);
  wheel.advance(start + 39ms);
  BOOST_TEST(at_tick.fired == 0);
  wheel.advance(start + 40ms);
  BOOST_TEST(at_tick.fired == 1);
  BOOST_TEST(after_tick.fired == 0);
  wheel.advance(start + 59ms);
  BOOST_TEST(after_tick.fired == 0);
  wheel.advance(start + 60ms); // within one tick
  BOOST_TEST(after_tick.fired == 1);
  wheel.advance(start + 60s);
  BOOST_TEST(at_tick.fired == 1);
  BOOST_TEST(after_tick.fired == 1);
}

BOOST_AUTO_TEST_CASE(a_deadline_set_anew_keeps_only_the_last_time) {
  timing_wheel wheel(start);
  note later, sooner;
  wheel.set(later, start + 40ms);
  wheel.set(later, start + 100ms);
  wheel.set(sooner, start + 100ms);
  wheel.set(sooner, start + 40ms);
  wheel.advance(start + 80ms);
  BOOST_TEST(later.fired == 0);
  BOOST_TEST(sooner.fired == 1);
  wheel.advance(start + 200ms);
  BOOST_TEST(later.fired == 1);
  BOOST_TEST(sooner.fired == 1);
}

BOOST_AUTO_TEST_CASE(what_is_disarmed_or_gone_does_not_fire) {
  timing_wheel wheel(start);
  note dropped;
  auto gone = std::make_unique<note>();
  wheel.set(dropped, start + 40ms);
  wheel.set(*gone, start + 40ms);
  dropped.disarm();
  gone.reset();
  BOOST_TEST(!dropped.armed());
  wheel.advance(start + 1s);
  BOOST_TEST(dropped.fired == 0);
}

BOOST_AUTO_TEST_CASE(what_is_past_already_fires_with_the_next_tick) {
  timing_wheel wheel(start);
  wheel.advance(start + 1s);
  note past, before_the_start;
  wheel.set(past, start + 500ms);
  wheel.set(before_the_start, start - 1h);
  wheel.advance(start + 1s + 19ms);
  BOOST_TEST(past.fired == 0);
  wheel.advance(start + 1s + 20ms);
  BOOST_TEST(past.fired == 1);
  BOOST_TEST(before_the_start.fired == 1);
}

BOOST_AUTO_TEST_CASE(a_long_wait_goes_round_the_ring) {
  constexpr auto turn = timing_wheel::tick * timing_wheel::slots;
  timing_wheel wheel(start);
  note below, at, above;
  wheel.set(below, start + turn - 20ms);
  wheel.set(at, start + turn);
  wheel.set(above, start + turn + 20ms);
  for (auto now = start; now < start + turn - 20ms; now += 20ms)
    wheel.advance(now);
  BOOST_TEST(below.fired + at.fired + above.fired == 0);
  wheel.advance(start + turn - 20ms);
  BOOST_TEST(below.fired == 1);
  wheel.advance(start + turn);
  BOOST_TEST(at.fired == 1);
  BOOST_TEST(above.fired == 0);
  wheel.advance(start + turn + 20ms);
  BOOST_TEST(above.fired == 1);
}

BOOST_AUTO_TEST_CASE(a_deadline_may_set_itself_again) {
  timing_wheel wheel(start);
  note every_100ms([&](note& self, steady_time now) { wheel.set(self, now + 100ms); });
  wheel.set(every_100ms, start + 100ms);
  for (auto now = start; now <= start + 1s; now += 10ms)
    wheel.advance(now);
  BOOST_TEST(every_100ms.fired == 10);
}

BOOST_AUTO_TEST_CASE(a_deadline_may_drop_others_that_are_due_with_it) {
  timing_wheel wheel(start);
  auto second = std::make_unique<note>();
  note third;
  note first([&](note&, steady_time) {
    second.reset();
    third.disarm();
  });
  wheel.set(first, start + 40ms);
  wheel.set(*second, start + 40ms);
  wheel.set(third, start + 40ms);
  wheel.advance(start + 100ms);
  BOOST_TEST(first.fired == 1);
  BOOST_TEST(third.fired == 0);
}

BOOST_AUTO_TEST_CASE(after_a_long_pause_all_that_is_due_fires_once) {
  timing_wheel wheel(start);
  note soon, much_later, not_yet;
  wheel.set(soon, start + 100ms);
  wheel.set(much_later, start + 59min);
  wheel.set(not_yet, start + 61min);
  wheel.advance(start + 60min);
  BOOST_TEST(soon.fired == 1);
  BOOST_TEST(much_later.fired == 1);
  BOOST_TEST(not_yet.fired == 0);
  wheel.advance(start + 61min);
  BOOST_TEST(not_yet.fired == 1);
}

BOOST_AUTO_TEST_CASE(next_is_never_later_than_the_next_deadline) {
  timing_wheel wheel(start);
  BOOST_TEST(!wheel.next().has_value());
  note one, two;
  wheel.set(one, start + 500ms);
  BOOST_TEST((wheel.next() == start + 500ms));
  wheel.set(two, start + 101ms);
  BOOST_TEST((wheel.next() == start + 120ms));
  wheel.advance(start + 120ms);
  BOOST_TEST(two.fired == 1);
  BOOST_TEST((wheel.next() == start + 500ms));
  one.disarm();
  wheel.advance(start + 500ms);
  BOOST_TEST(!wheel.next().has_value());
}

/// Against a plain list of times.
BOOST_AUTO_TEST_CASE(each_deadline_fires_once_in_its_tick_whatever_the_others_do) {
  std::mt19937 random(1); // NOLINT(cert-msc51-cpp): the same each time
  timing_wheel wheel(start);
  std::vector<std::unique_ptr<note>> notes;
  for (int i = 0; i < 200; ++i)
    notes.push_back(std::make_unique<note>());
  auto now = start;
  for (int step = 0; step < 20'000; ++step) {
    auto& chosen = *notes[random() % notes.size()];
    if (random() % 4 == 0)
      chosen.disarm();
    else
      wheel.set(chosen, now + std::chrono::milliseconds(random() % 30'000));
    std::vector<int> fired;
    std::vector<steady_time> armed;
    for (auto& n : notes) {
      fired.push_back(n->fired);
      armed.push_back(n->armed() ? n->when() : steady_time::max());
    }
    auto next = wheel.next();
    auto soonest = *std::min_element(armed.begin(), armed.end());
    if (soonest != steady_time::max())
      BOOST_REQUIRE((next && *next < std::max(soonest, now) + 2 * timing_wheel::tick));
    now += std::chrono::milliseconds(random() % 100 == 0 ? random() % 60'000 : random() % 30);
    wheel.advance(now);
    for (std::size_t i = 0; i < notes.size(); ++i) {
      auto times = notes[i]->fired - fired[i];
      if (armed[i] > now) {
        BOOST_REQUIRE(times == 0);
        BOOST_REQUIRE(notes[i]->armed() == (armed[i] != steady_time::max()));
      } else if (armed[i] + timing_wheel::tick <= now - timing_wheel::tick) {
        BOOST_REQUIRE(times == 1);
      } else {
        BOOST_REQUIRE(times + (notes[i]->armed() ? 1 : 0) == 1);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(one_that_throws_is_told_so_and_the_others_fire) {
  timing_wheel wheel(start);
  note before, after;
  note throws([](note&, steady_time) { throw std::runtime_error("no memory"); });
  for (auto* n : {&before, &throws, &after})
    wheel.set(*n, start + 20ms);
  note far;
  wheel.set(far, start + 20ms + timing_wheel::tick * timing_wheel::slots); // the same slot
  wheel.advance(start + 20ms);
  BOOST_TEST(before.fired == 1);
  BOOST_TEST(throws.heard == "no memory");
  BOOST_TEST(after.fired == 1);
  BOOST_TEST(far.armed());
  BOOST_TEST(after.heard.empty());
}

BOOST_AUTO_TEST_CASE(many_that_are_due_at_once_fire_in_parts) {
  timing_wheel wheel(start);
  constexpr auto far_off = timing_wheel::tick * timing_wheel::slots;
  std::vector<std::unique_ptr<note>> due, later;
  for (std::size_t i = 0; i < timing_wheel::looked_at_max; ++i) {
    wheel.set(*due.emplace_back(std::make_unique<note>()), start + 20ms);
    wheel.set(*later.emplace_back(std::make_unique<note>()), start + 20ms + far_off);
  }
  auto fired = [](auto& notes) {
    return std::count_if(notes.begin(), notes.end(), [](auto& n) { return n->fired > 0; });
  };
  constexpr auto half = static_cast<std::ptrdiff_t>(timing_wheel::looked_at_max / 2);
  wheel.advance(start + 20ms);
  BOOST_TEST(fired(due) == half); // every other one is of the next round
  BOOST_TEST((wheel.next().value() == start + 20ms));
  due.pop_back(); // of those that are left
  wheel.advance(start + 20ms);
  BOOST_TEST(fired(due) == 2 * half - 1);
  BOOST_TEST(fired(later) == 0);
  wheel.advance(start + 40ms);
  BOOST_TEST((wheel.next().value() == start + 20ms + far_off));
  wheel.advance(start + 20ms + far_off);
  BOOST_TEST(fired(later) == 2 * half);
  BOOST_TEST(!wheel.next());
}

BOOST_AUTO_TEST_CASE(those_of_the_next_round_are_not_slept_through_in_the_middle_of_a_tick) {
  timing_wheel wheel(start);
  constexpr auto far_off = timing_wheel::tick * timing_wheel::slots;
  std::vector<std::unique_ptr<note>> later;
  for (std::size_t i = 0; i < timing_wheel::looked_at_max; ++i)
    wheel.set(*later.emplace_back(std::make_unique<note>()), start + 20ms + far_off);
  auto last = std::make_unique<note>();
  wheel.set(*last, start + 20ms);
  wheel.advance(start + 20ms); // has met all but the last
  last.reset();
  BOOST_TEST((wheel.next().value() == start + 20ms));
  wheel.advance(start + 40ms);
  BOOST_TEST((wheel.next().value() == start + 20ms + far_off));
}

BOOST_AUTO_TEST_SUITE_END()
