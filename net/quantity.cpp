#include "net/quantity.hpp"

#include <charconv>
#include <limits>
#include <span>

namespace beckon::net {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};
// Largest first: printing takes the first that divides.
constexpr unit size_units[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}};
constexpr unit duration_units[] = {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

constexpr auto count_max = std::numeric_limits<std::uint64_t>::max();

std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const unit> units) {
  auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  auto count = parse_count(text.substr(0, digits));
  if (!count)
    return {};
  for (const auto& u : units)
    if (u.name == text.substr(digits))
      return *count > count_max / u.factor ? count_max : *count * u.factor;
  return {};
}

std::string print_with_unit(std::uint64_t value, std::span<const unit> units) {
  for (const auto& u : units)
    if (value != 0 && value % u.factor == 0)
      return std::to_string(value / u.factor).append(u.name);
  return std::string("0").append(units.back().name);
}

} // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
    return {};
  std::uint64_t count = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
  return ec == std::errc{} ? count : count_max;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, size_units);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  auto count = parse_with_unit(text, duration_units);
  if (!count)
    return {};
  constexpr auto largest = static_cast<std::uint64_t>(std::chrono::milliseconds::max().count());
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::min(*count, largest))};
}

std::string print_size(std::uint64_t bytes) {
  return print_with_unit(bytes, size_units);
}

std::string print_duration(std::chrono::milliseconds duration) {
  return print_with_unit(static_cast<std::uint64_t>(duration.count()), duration_units);
}

} // namespace beckon::net
