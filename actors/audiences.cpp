#include "actors/audiences.hpp"

#include <algorithm>
#include <cassert>
#include <memory>

namespace beckon::actors {
namespace {

bool belongs(const seat& s, audience_kind kind) {
  switch (kind) {
  case audience_kind::publications:
    return s.interest == protocol::interest_level::full;
  case audience_kind::full_watchers:
    return s.presence == protocol::presence_mode::full;
  case audience_kind::count_watchers:
    return s.presence == protocol::presence_mode::count;
  }
  return false;
}

constexpr bool watches(std::size_t kind) {
  return kind != static_cast<std::size_t>(audience_kind::publications);
}

} // namespace

audiences::audiences(std::size_t homes) {
  for (auto& by_home : lists_)
    by_home.resize(homes);
  for (auto& by_home : shown_)
    by_home.resize(homes);
}

void audiences::update(seat& s) {
  for (std::size_t kind = 0; kind < audience_kinds; ++kind) {
    auto should = belongs(s, static_cast<audience_kind>(kind));
    if (should && s.listed[kind] == 0)
      enter(s, kind);
    else if (!should && s.listed[kind] != 0)
      leave(s, kind);
  }
}

void audiences::remove(seat& s) {
  for (std::size_t kind = 0; kind < audience_kinds; ++kind)
    if (s.listed[kind] != 0)
      leave(s, kind);
}

void audiences::enter(seat& s, std::size_t kind) {
  auto& l = lists_[kind][s.where.home];
  l.push_back({{s.where.slot, s.where.generation}, &s});
  s.listed[kind] = static_cast<std::uint32_t>(l.size());
  shown_[kind][s.where.home] = nullptr;
  watchers_ += watches(kind);
}

/// The last one of the list takes its place.
void audiences::leave(seat& s, std::size_t kind) {
  auto& l = lists_[kind][s.where.home];
  auto& place = l[s.listed[kind] - 1];
  assert(place.who == &s);
  place = l.back();
  place.who->listed[kind] = s.listed[kind];
  l.pop_back();
  s.listed[kind] = 0;
  shown_[kind][s.where.home] = nullptr;
  watchers_ -= watches(kind);
}

bool audiences::watched_in_full() const noexcept {
  auto& by_home = lists_[static_cast<std::size_t>(audience_kind::full_watchers)];
  return std::ranges::any_of(by_home, [](auto& l) { return !l.empty(); });
}

const std::vector<audience>& audiences::of(audience_kind kind) {
  auto& lists = lists_[static_cast<std::size_t>(kind)];
  auto& shown = shown_[static_cast<std::size_t>(kind)];
  for (std::size_t home = 0; home < lists.size(); ++home)
    if (!shown[home] && !lists[home].empty())
      shown[home] = show(lists[home]);
  return shown;
}

audience audiences::show(const list& l) {
  auto seats = std::make_shared<std::vector<audience_seat>>();
  seats->reserve(l.size());
  for (auto& e : l)
    seats->push_back(e.where);
  return seats;
}

} // namespace beckon::actors
