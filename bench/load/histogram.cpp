#include "histogram.hpp"

#include <algorithm>
#include <cmath>

namespace load {

std::uint64_t histogram::upper_end(std::size_t bucket) {
  if (bucket < 2 * detail)
    return bucket;
  const std::size_t shift = (bucket >> detail_bits) - 1;
  const std::uint64_t leading = detail + (bucket & (detail - 1));
  return ((leading + 1) << shift) - 1;
}

nanoseconds histogram::at(double quantile) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket != counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen != 0 && seen >= wanted)
      return nanoseconds(std::min(upper_end(bucket), max_));
  }
  return nanoseconds(0);
}

} // namespace load
