#include "actors/audiences.hpp"

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
  l.seats.push_back({s.where.slot, s.where.generation});
  l.owners.push_back(&s);
  l.shown = false;
  s.listed[kind] = static_cast<std::uint32_t>(l.seats.size());
  watchers_ += watches(kind);
}

/// The last one of the list takes its place.
void audiences::leave(seat& s, std::size_t kind) {
  auto& l = lists_[kind][s.where.home];
  auto place = s.listed[kind] - 1;
  assert(l.owners[place] == &s);
  l.owners.back()->listed[kind] = s.listed[kind];
  l.seats[place] = l.seats.back();
  l.owners[place] = l.owners.back();
  l.seats.pop_back();
  l.owners.pop_back();
  l.shown = false;
  s.listed[kind] = 0;
  watchers_ -= watches(kind);
}

const std::vector<audience>& audiences::of(audience_kind kind) {
  auto& lists = lists_[static_cast<std::size_t>(kind)];
  auto& shown = shown_[static_cast<std::size_t>(kind)];
  for (std::size_t home = 0; home < lists.size(); ++home) {
    auto& l = lists[home];
    if (!l.shown)
      shown[home] =
          l.seats.empty() ? nullptr : std::make_shared<const std::vector<audience_seat>>(l.seats);
    l.shown = true;
  }
  return shown;
}

} // namespace beckon::actors
