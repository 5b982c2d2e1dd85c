#include "tests/simulation/cluster_world.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

using namespace beckon::testing;

namespace {

/// A seed costs several of one node's.
constexpr std::uint64_t seeds_ordinary = 1000;

std::optional<std::uint64_t> number_of(const char* variable) {
  auto* text = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): before any thread
  return text ? std::optional(std::strtoull(text, nullptr, 10)) : std::nullopt;
}

std::unique_ptr<cluster_world> play(std::uint64_t seed, bool in_words) {
  auto played = std::make_unique<cluster_world>(seed, in_words);
  played->run();
  return played;
}

std::string story(std::uint64_t seed) {
  auto again = play(seed, true);
  std::string text;
  for (auto& event : again->events().events())
    text += "  " + event + '\n';
  return "cluster seed " + std::to_string(seed) + ", " + again->events().failure() +
         "\nthe last events:\n" + text + "play it again: CLUSTER_SEED=" + std::to_string(seed) +
         " " + boost::unit_test::framework::master_test_suite().argv[0];
}

} // namespace

BOOST_AUTO_TEST_SUITE(cluster_simulation)

BOOST_AUTO_TEST_CASE(no_schedule_of_several_nodes_breaks_a_promise) {
  auto only = number_of("CLUSTER_SEED");
  auto first = only.value_or(1);
  auto last = only.value_or(number_of("CLUSTER_SEEDS").value_or(seeds_ordinary));
  for (auto seed = first; seed <= last; ++seed) {
    auto played = play(seed, false);
    if (played->events().failed())
      BOOST_FAIL(story(seed));
  }
  BOOST_TEST(last >= first);
}

BOOST_AUTO_TEST_SUITE_END()
