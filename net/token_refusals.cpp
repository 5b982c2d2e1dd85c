#include "net/token_refusals.hpp"

#include <utility>

namespace beckon::net {

std::optional<token_refusals::line> token_refusals::count(token_errc why, time now) {
  std::lock_guard guard{mutex_};
  ++reasons_[static_cast<std::size_t>(why)].untold;
  if (last_told_ && now - *last_told_ < pause)
    return std::nullopt;
  auto* longest = &reasons_[static_cast<std::size_t>(why)];
  for (auto& r : reasons_)
    if (r.untold > 0 && r.last_told < longest->last_told)
      longest = &r;
  longest->last_told = now;
  last_told_ = now;
  return line{static_cast<token_errc>(longest - reasons_.data()),
              std::exchange(longest->untold, 0)};
}

} // namespace beckon::net
