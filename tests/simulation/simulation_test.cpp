#include "tests/simulation/world.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

using namespace beckon::testing;

namespace {

/// How many seeds the ordinary run plays; SEEDS=n plays others, SEED=k one.
constexpr std::uint64_t seeds_ordinary = 2000;

std::optional<std::uint64_t> number_of(const char* variable) {
  auto* text = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): before any thread
  return text ? std::optional(std::strtoull(text, nullptr, 10)) : std::nullopt;
}

std::unique_ptr<world> play(std::uint64_t seed, bool in_words) {
  auto played = std::make_unique<world>(seed, in_words);
  played->run();
  return played;
}

/// A seed that failed, played again in words.
std::string story(std::uint64_t seed) {
  auto again = play(seed, true);
  std::string text;
  for (auto& event : again->events().events())
    text += "  " + event + '\n';
  return "seed " + std::to_string(seed) + ", " + again->events().failure() +
         "\nthe last events:\n" + text + "play it again: SEED=" + std::to_string(seed) + " " +
         boost::unit_test::framework::master_test_suite().argv[0];
}

} // namespace

BOOST_AUTO_TEST_SUITE(simulation)

BOOST_AUTO_TEST_CASE(no_schedule_breaks_a_promise) {
  auto only = number_of("SEED");
  auto first = only.value_or(1);
  auto last = only.value_or(number_of("SEEDS").value_or(seeds_ordinary));
  std::size_t steps = 0;
  for (auto seed = first; seed <= last; ++seed) {
    auto played = play(seed, false);
    steps += played->events().step;
    if (played->events().failed())
      BOOST_FAIL(story(seed));
  }
  BOOST_TEST_MESSAGE(last - first + 1 << " seeds, " << steps << " steps");
  BOOST_TEST(steps > 0);
}

BOOST_AUTO_TEST_CASE(a_seed_replays_itself) {
  for (std::uint64_t seed : {1, 7, 42, 1234}) {
    auto first = play(seed, false);
    auto second = play(seed, true); // words change nothing
    BOOST_TEST(first->events().step == second->events().step);
    BOOST_TEST(first->events().hash() == second->events().hash());
    BOOST_TEST(play(seed + 1, false)->events().hash() != first->events().hash());
  }
}

BOOST_AUTO_TEST_SUITE_END()
