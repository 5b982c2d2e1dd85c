#pragma once
// All chance of one seed. Owns: the generator. The same seed makes the same choices, on every
// machine.

#include <cstddef>
#include <cstdint>
#include <random>

namespace beckon::testing {

class dice {
public:
  explicit dice(std::uint64_t seed) : bits_(seed) {}

  /// A number below `n`. @pre n > 0
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits_() % n); }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <class Container>
  auto& one_of(Container& all) {
    return all[below(all.size())];
  }
  template <class T, std::size_t N>
  T one_of(const T (&all)[N]) {
    return all[below(N)];
  }

private:
  std::mt19937_64 bits_;
};

} // namespace beckon::testing
