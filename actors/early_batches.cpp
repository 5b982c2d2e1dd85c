#include "actors/early_batches.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

void early_batches::keep(const caf::actor_addr& from, std::uint64_t epoch, std::string batch,
                         steady_time now) {
  auto l = find(from, epoch);
  if (l == links_.end()) {
    if (links_.size() == links_max)
      extract(std::min_element(links_.begin(), links_.end(),
                               [](auto& a, auto& b) { return a.heard < b.heard; }));
    l = links_.insert(links_.end(), {.from = from, .epoch = epoch, .heard = now, .batches = {}});
  }
  l->heard = now;
  if (l->lost)
    return;
  if (bytes_ + batch.size() > bytes_max_) {
    l->lost = true;
    return drop_batches(*l);
  }
  bytes_ += batch.size();
  l->batches.push_back(std::move(batch));
}

early_batches::link early_batches::take(const caf::actor_addr& from, std::uint64_t epoch) {
  auto l = find(from, epoch);
  return l == links_.end() ? link{} : extract(l);
}

void early_batches::forget_silent(steady_time then) {
  for (std::size_t i = links_.size(); i-- > 0;)
    if (links_[i].heard <= then)
      extract(links_.begin() + static_cast<std::ptrdiff_t>(i));
}

void early_batches::hear_all(steady_time now) {
  for (auto& l : links_)
    l.heard = now;
}

early_batches::links::iterator early_batches::find(const caf::actor_addr& from,
                                                   std::uint64_t epoch) {
  return std::find_if(links_.begin(), links_.end(),
                      [&](auto& l) { return l.epoch == epoch && l.from == from; });
}

void early_batches::drop_batches(link& l) {
  for (auto& batch : std::exchange(l.batches, {}))
    bytes_ -= batch.size();
}

/// The only way out.
early_batches::link early_batches::extract(links::iterator which) {
  auto out = std::move(*which);
  links_.erase(which);
  for (auto& batch : out.batches)
    bytes_ -= batch.size();
  return out;
}

} // namespace beckon::actors
