// Which connections of a thread go when the node is short of memory.

#include "net/connection.hpp"
#include "net/memory_watermark.hpp"
#include "net/thread_unit.hpp"

#include <array>
#include <bit>

namespace beckon::net {

/// Powers of two.
static constexpr std::size_t sizes = 65;

static std::size_t size_of(const connection& c) noexcept {
  return static_cast<std::size_t>(std::bit_width(c.held()));
}

bool thread_unit::may_shed() const noexcept {
  return place->now - shed_ >= memory_watermark::cut_every;
}

/// Walks over the connections, and no allocation: the first adds up what those of each size hold,
/// the others choose the largest.
void thread_unit::shed(std::size_t bytes, bool at_once) {
  shed_ = place->now;
  std::array<std::size_t, sizes> held_by_size{};
  std::size_t going = 0;
  for (auto* c : connections_)
    if (c->ends() && !at_once)
      going += c->held();
    else if (c->held() >= shed_bytes_min)
      held_by_size[size_of(*c)] += c->held();
  auto least = sizes - 1;
  for (auto sum = going + held_by_size[least]; least > 0 && sum < bytes;)
    sum += held_by_size[--least];
  std::array<connection*, shed_at_once> chosen{}; // as who is cut leaves the list
  std::size_t n = 0;
  auto choose = [&](auto fits) {
    for (auto* c : connections_) {
      if (n == chosen.size() || going >= bytes)
        return;
      if (c->held() < shed_bytes_min || (c->ends() && !at_once) || !fits(size_of(*c)))
        continue;
      chosen[n++] = c;
      going += c->held();
    }
  };
  choose([&](std::size_t size) { return size > least; });
  choose([&](std::size_t size) { return size == least; });
  for (auto* c : chosen)
    if (c)
      c->shed(at_once);
}

} // namespace beckon::net
