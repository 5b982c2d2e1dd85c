#include "net/turn_watch.hpp"

#include <algorithm>
#include <ctime>
#include <numeric>
#include <utility>

namespace beckon::net {
namespace {

std::chrono::nanoseconds cpu_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

} // namespace

void turn_watch::begin(time now) {
  began_ = now;
  spent_.fill(0);
  actors_ = 0;
  if (now - cpu_read_ > slow) { // a system call: seldom
    cpu_read_ = now;
    cpu_ = cpu_time();
  }
  last_ = ticks();
}

void turn_watch::report(std::chrono::nanoseconds took, time now,
                        const std::function<void(const slow_turn&)>& tell) {
  if (!tell || now - told_ < told_every) {
    ++untold_;
    return;
  }
  told_ = now;
  auto longest = std::max_element(spent_.begin(), spent_.end());
  auto all =
      std::max<std::uint64_t>(1, std::accumulate(spent_.begin(), spent_.end(), std::uint64_t{0}));
  slow_turn t;
  t.took = took;
  t.cpu = std::min(t.took, cpu_time() - cpu_);
  t.longest = static_cast<turn_part>(longest - spent_.begin());
  t.longest_took = std::chrono::duration_cast<std::chrono::nanoseconds>(
      t.took * (static_cast<double>(*longest) / static_cast<double>(all)));
  t.actors = actors_;
  t.untold = std::exchange(untold_, 0);
  tell(t);
}

} // namespace beckon::net
