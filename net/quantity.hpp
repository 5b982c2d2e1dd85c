#pragma once
// Numbers as people write them in a configuration: 250, 64KiB, 10s. Owns: their spelling.
// Pure functions. What is too large for the type becomes its largest value, which no option allows.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::net {

/// Decimal digits and nothing else. @returns nothing for anything else (a sign, blanks, a point,
/// none).
std::optional<std::uint64_t> parse_count(std::string_view text);
/// Bytes: a count, or one with KiB, MiB or GiB.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// A count with ms, s, m or h; a bare number has no unit and is refused.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest spelling that says exactly this.
std::string print_size(std::uint64_t bytes);
std::string print_duration(std::chrono::milliseconds duration);

} // namespace beckon::net
