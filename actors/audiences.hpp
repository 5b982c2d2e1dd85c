#pragma once
// Which sessions a group's frames go to, thread by thread. Owns: the lists, shared with the relays
// until a membership changes, so that a publication copies none.

#include "actors/messages.hpp"
#include "actors/roster.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace beckon::actors {

enum class audience_kind : std::uint8_t { publications, full_watchers, count_watchers };
inline constexpr std::size_t audience_kinds = 3;

class audiences {
public:
  explicit audiences(std::size_t homes) : homes_(homes) {}

  /// A seat came, went or changed.
  void invalidate() noexcept { valid_ = false; }
  /// The lists of one kind by home; null where a thread has nobody.
  const std::vector<audience>& of(audience_kind kind, const roster& members);

private:
  void rebuild(const roster& members);

  std::size_t homes_;
  bool valid_ = false;
  std::array<std::vector<audience>, audience_kinds> lists_;
};

} // namespace beckon::actors
