#include "actors/bans.hpp"

namespace beckon::actors {

void bans::add(std::string_view uid, std::int64_t until) {
  remove(uid);
  if (ends_.size() >= held_max)
    remove(std::string(ends_.begin()->second));
  by_uid_.emplace(uid, ends_.emplace(until, uid));
}

void bans::remove(std::string_view uid) {
  auto found = by_uid_.find(uid);
  if (found == by_uid_.end())
    return;
  ends_.erase(found->second);
  by_uid_.erase(found);
}

std::optional<std::int64_t> bans::end_of(std::string_view uid, std::int64_t now) const {
  auto found = by_uid_.find(uid);
  if (found == by_uid_.end() || found->second->first <= now)
    return {};
  return found->second->first;
}

void bans::expire(std::int64_t now) {
  while (!ends_.empty() && ends_.begin()->first <= now) {
    by_uid_.erase(ends_.begin()->second);
    ends_.erase(ends_.begin());
  }
}

} // namespace beckon::actors
