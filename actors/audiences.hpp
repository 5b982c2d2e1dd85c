#pragma once
// Which sessions a group's frames go to, thread by thread. Owns: the lists, which its seats enter
// and leave one by one, and what relays were shown of them: shared until a list changes, so that a
// publication copies none. Written by its group alone.

#include "actors/messages.hpp"
#include "actors/roster.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace beckon::actors {

class audiences {
public:
  explicit audiences(std::size_t homes);

  /// A seat came, or its presence or interest changed. Costs the same however many there are.
  void update(seat& s);
  /// A seat goes. Likewise.
  void remove(seat& s);
  /// The lists of one kind by home; null where a thread has nobody. What has changed since the last
  /// time is copied: 8 bytes for each session that the frame will go to.
  const std::vector<audience>& of(audience_kind kind);
  /// Sessions of this node that are told of changes, in full or as a number.
  std::size_t watchers() const noexcept { return watchers_; }
  /// Whether any of them is told in full.
  bool watched_in_full() const noexcept;

private:
  struct entry {
    audience_seat where;
    seat* who;
  };
  using list = std::vector<entry>;
  static audience show(const list& l);
  void enter(seat& s, std::size_t kind);
  void leave(seat& s, std::size_t kind);

  std::array<std::vector<list>, audience_kinds> lists_; ///< by home
  /// The same as relays were shown it; null since it has changed.
  std::array<std::vector<audience>, audience_kinds> shown_;
  std::size_t watchers_ = 0;
};

} // namespace beckon::actors
