#include "net/memory_watermark.hpp"

#include "actors/memory_reserve.hpp"
#include "net/allocator.hpp"
#include "net/quantity.hpp"
#include "net/thread_unit.hpp"

#include <algorithm>
#include <cassert>
#include <ctime>
#include <utility>

namespace beckon::net {

using actors::memory_level;
using actors::steady_time;

namespace {

std::uint64_t less(std::uint64_t a, std::uint64_t b) noexcept {
  return a > b ? a - b : 0;
}

std::uint64_t percent(std::uint64_t of, unsigned n) noexcept {
  return of / 100 * n;
}

std::chrono::nanoseconds cpu_of_process() noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::string_view name(memory_level level) noexcept {
  constexpr std::string_view names[] = {"enough", "short", "critical"};
  return names[static_cast<std::size_t>(level)];
}

} // namespace

std::string_view name(memory_bound bound) noexcept {
  constexpr std::string_view names[] = {"none", "max-memory", "address-space", "cgroup", "machine"};
  return names[static_cast<std::size_t>(bound)];
}

memory_watermark::memory_watermark(std::uint64_t max_bytes, thread_units& units,
                                   actors::node_state& node, logger& log,
                                   boost::asio::io_context& main_loop)
    : max_bytes_(max_bytes), units_(units), node_(node), log_(log), timer_(main_loop),
      cgroup_bytes_(cgroup_.bytes()) {
  assert(!units.empty());
}

std::optional<std::string> memory_watermark::refuse_too_little() const {
  auto least = hold().resident + may_take_min;
  if (max_bytes_ == 0 || max_bytes_ >= least)
    return std::nullopt;
  constexpr std::uint64_t mib = 1 << 20;
  return "max-memory: " + print_size(max_bytes_) +
         " leaves nothing for clients beside what the process holds; at least " +
         print_size((least / mib + 1) * mib);
}

void memory_watermark::begin() {
  {
    std::lock_guard guard{mutex_};
    base_ = hold();
    measure(std::chrono::steady_clock::now());
  }
  await_tick();
}

void memory_watermark::end() {
  timer_.cancel();
}

// ---- what is taken ----

/// Pages that are free count for nothing: the allocator uses them again. Unmapped ones are address
/// space still.
memory_watermark::held memory_watermark::hold() const noexcept {
  auto all = memory_of_process();
  auto pages =
      allocator_tells_cheaply() ? pages_of_allocator() : allocator_pages{free_by_glibc_, 0};
  return {less(all.address_space, pages.free + pages.unmapped), less(all.resident, pages.free),
          pages.free};
}

void memory_watermark::measure(steady_time now) {
  auto has = hold();
  view_.bound = memory_bound::none;
  view_.may_take = view_.taken = 0;
  view_.free = has.free;
  if (max_bytes_) {
    consider(memory_bound::option, max_bytes_, base_.resident, has.resident);
  } else {
    if (auto limit = address_space_limit())
      consider(memory_bound::address_space, *limit, base_.address_space, has.address_space);
    if (cgroup_bytes_)
      consider(memory_bound::cgroup, *cgroup_bytes_, base_.resident, has.resident);
    consider(memory_bound::machine, memory_of_machine(), base_.resident, has.resident);
  }
  auto over = [&](unsigned mark) { return view_.taken > percent(view_.may_take, mark); };
  view_.level = over(cut_percent)    ? memory_level::critical
                : over(shed_percent) ? memory_level::short_of
                                     : memory_level::enough;
  node_.memory.store(view_.level);
  auto left = less(percent(view_.may_take, shed_percent), view_.taken);
  excess_ = view_.level == memory_level::critical
                ? view_.taken - percent(view_.may_take, shed_percent)
                : 0;
  at_once_ = over(cut_at_once_percent);
  auto soon = std::chrono::milliseconds(left / (growth_max / 1000));
  next_look_ = (now + std::clamp(soon, look_after_min, look_after_max)).time_since_epoch().count();
  tell(now);
}

/// The one of which the largest part is taken counts.
void memory_watermark::consider(memory_bound bound, std::uint64_t limit, std::uint64_t base,
                                std::uint64_t now) {
  auto may_take = less(limit, base);
  auto taken = less(now, base);
  auto part = [](std::uint64_t of, std::uint64_t all) {
    return static_cast<double>(of) / static_cast<double>(std::max<std::uint64_t>(all, 1));
  };
  if (view_.bound != memory_bound::none &&
      part(taken, may_take) <= part(view_.taken, view_.may_take))
    return;
  view_.bound = bound;
  view_.may_take = may_take;
  view_.taken = taken;
}

/// At most once a second.
void memory_watermark::tell(steady_time now) {
  if (view_.level == told_ || now - told_at_ < std::chrono::seconds(1))
    return;
  told_at_ = now;
  auto better = view_.level < told_;
  told_ = view_.level;
  auto line = [&](auto write) {
    write("memory", {{"level", name(view_.level)},
                     {"taken", view_.taken},
                     {"may_take", view_.may_take},
                     {"bound", name(view_.bound)}});
  };
  if (better)
    line([&](auto event, std::initializer_list<log_field> fields) { log_.info(event, fields); });
  else
    line([&](auto event, std::initializer_list<log_field> fields) { log_.warn(event, fields); });
}

memory_view memory_watermark::view() const {
  std::lock_guard guard{mutex_};
  return view_;
}

// ---- in a turn ----

void memory_watermark::look(thread_unit& unit) {
  auto now = unit.place->now;
  if (now.time_since_epoch().count() >= next_look_.load(std::memory_order_relaxed))
    measure_unless_busy(now);
  if (excess_.load(std::memory_order_relaxed) == 0 || !unit.may_shed())
    return;
  // What the last round has let go may lie in the thread's cache, and count as taken.
  empty_thread_cache();
  measure_unless_busy(now);
  if (auto excess = excess_.load(std::memory_order_relaxed))
    unit.shed((excess + units_.size() - 1) / units_.size(),
              at_once_.load(std::memory_order_relaxed));
}

/// Where another thread is at it, its figures do.
void memory_watermark::measure_unless_busy(steady_time now) {
  if (std::unique_lock guard{mutex_, std::try_to_lock})
    measure(now);
}

// ---- in idle time ----

void memory_watermark::await_tick() {
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec)
      tick();
  });
}

void memory_watermark::tick() {
  {
    actors::must_not_fail here;
    auto cgroup = cgroup_.bytes();
    auto glibc = allocator_tells_cheaply() ? 0 : pages_of_allocator().free;
    std::lock_guard guard{mutex_};
    cgroup_bytes_ = cgroup;
    free_by_glibc_ = glibc;
    measure(std::chrono::steady_clock::now());
    free_lately_.push_back(view_.free);
    if (free_lately_.size() > free_for_s)
      free_lately_.pop_front();
  }
  if (node_.memory.load() == memory_level::enough)
    actors::memory_reserve::refill();
  empty_caches();
  give_back();
  actors::must_not_fail here;
  await_tick();
}

/// What is free there holds whole pages back.
void memory_watermark::empty_caches() {
  auto cpu = cpu_of_process();
  auto used = cpu - std::exchange(cpu_, cpu);
  if (used > idle_cpu_max || cached_by_threads() < kept_in_caches_bytes)
    return;
  empty_thread_cache(); // the main thread's
  actors::must_not_fail here;
  for (auto& unit : units_)
    unit->post([] { empty_thread_cache(); });
}

/// What has been free for some time. A step at a time: who needs a page meanwhile waits for one
/// step only.
void memory_watermark::give_back() {
  static constexpr std::uint64_t step = std::uint64_t{1} << 20;
  std::uint64_t spare = 0;
  {
    std::lock_guard guard{mutex_};
    if (free_lately_.size() < free_for_s)
      return;
    auto unused = *std::min_element(free_lately_.begin(), free_lately_.end());
    spare = less(unused, kept_free_bytes + view_.taken / 8);
    spare = std::min(spare, given_back_per_s);
    view_.given_back += spare;
  }
  for (std::uint64_t done = 0; done < spare; done += step)
    give_back_to_system(std::min(step, spare - done));
}

} // namespace beckon::net
