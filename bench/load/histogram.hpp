#pragma once
// How long things took: a histogram whose buckets grow with the value, as HdrHistogram's do.
// Owns: the counts. A value is known to within 1/128 of itself, from 1 ns to 2^63 ns, in 58 KiB and
// without a division.

#include "clock.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace load {

class histogram {
public:
  void add(nanoseconds value) {
    const auto ns = value.count() < 0 ? 0 : static_cast<std::uint64_t>(value.count());
    ++counts_[bucket_of(ns)];
    ++total_;
    if (ns > max_)
      max_ = ns;
  }

  /// The value that a share of `quantile` (0..1) of all values does not exceed; 0 when there are
  /// none.
  nanoseconds at(double quantile) const;
  nanoseconds max() const { return nanoseconds(max_); }
  std::uint64_t total() const { return total_; }

private:
  static constexpr unsigned detail_bits = 7;
  static constexpr std::size_t detail = std::size_t{1} << detail_bits;
  static constexpr std::size_t bucket_count = (64 - detail_bits + 1) * detail;

  /// Below 128 each value has its bucket; above, each power of two is divided into 128.
  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns < detail)
      return ns;
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - detail_bits;
    return (shift << detail_bits) + (ns >> shift);
  }
  /// The largest value that falls into a bucket.
  static std::uint64_t upper_end(std::size_t bucket);

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(bucket_count);
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

} // namespace load
