#pragma once
// When the node must let go before the system makes it. Owns: what it may take, what it has taken
// since it began to serve, and the level that follows (node_state::memory), which handshakes and
// joins go by. Measured by the threads at the start of their turns, the more often the nearer it
// is; in idle time, once a second, by the main loop. Ends with the server.

#include "actors/node.hpp"
#include "actors/timing_wheel.hpp"
#include "net/log.hpp"
#include "net/memory_limit.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

class thread_unit;
using thread_units = std::vector<std::unique_ptr<thread_unit>>;

/// What sets the limit.
enum class memory_bound : std::uint8_t { none, option, address_space, cgroup, machine };
std::string_view name(memory_bound) noexcept;

/// As it was last measured; bytes.
struct memory_view {
  memory_bound bound = memory_bound::none;
  std::uint64_t may_take = 0;   ///< the limit less what the process held when it began to serve
  std::uint64_t taken = 0;      ///< of that
  std::uint64_t free = 0;       ///< pages that the allocator keeps
  std::uint64_t given_back = 0; ///< to the system, in idle time, since the start
  actors::memory_level level = actors::memory_level::enough;
};

class memory_watermark {
public:
  /// Of what may be taken: over the first nobody new is let in, over the second sessions go, over
  /// the third at once.
  static constexpr unsigned shed_percent = 85;
  static constexpr unsigned cut_percent = 92;
  static constexpr unsigned cut_at_once_percent = 96;
  /// Measured at least this often while a thread works, and at most.
  static constexpr std::chrono::milliseconds look_after_max{100};
  static constexpr std::chrono::milliseconds look_after_min{1};
  /// Faster than this, in bytes a second, nothing is expected to be taken.
  static constexpr std::uint64_t growth_max = std::uint64_t{4} << 30;
  /// Between two rounds in which one thread closes sessions.
  static constexpr std::chrono::milliseconds cut_every{5};
  /// A second in which the process used less CPU is idle: then threads empty what their caches hold
  /// beyond so much.
  static constexpr std::chrono::milliseconds idle_cpu_max{100};
  static constexpr std::size_t kept_in_caches_bytes = 1 << 20;
  /// Free pages that stay for the next load, beside an eighth of what is taken; what else has been
  /// free for so many seconds goes back, so much in a second.
  static constexpr std::uint64_t kept_free_bytes = std::uint64_t{8} << 20;
  static constexpr std::size_t free_for_s = 5;
  static constexpr std::uint64_t given_back_per_s = std::uint64_t{64} << 20;

  /// @param max_bytes of --max-memory; 0: what the system says
  /// @param units outlive it
  memory_watermark(std::uint64_t max_bytes, thread_units& units, actors::node_state& node,
                   logger& log, boost::asio::io_context& main_loop);

  /// What is left for clients by --max-memory, at least: some hundred connections.
  static constexpr std::uint64_t may_take_min = std::uint64_t{4} << 20;

  /// @returns the one line that says that --max-memory leaves nothing to serve with, or nothing
  std::optional<std::string> refuse_too_little() const;
  /// The node begins to serve: what the process holds now is not counted. Before any client.
  void begin();
  /// No more ticks. On the main loop's thread.
  void end();
  /// At the start of a turn: measures when it is time, and closes sessions of this thread when it
  /// must.
  void look(thread_unit& unit);
  /// Any thread.
  memory_view view() const;

private:
  struct held {
    std::uint64_t address_space = 0;
    std::uint64_t resident = 0;
    std::uint64_t free = 0;
  };
  held hold() const noexcept;
  void measure(actors::steady_time now);
  void measure_unless_busy(actors::steady_time now);
  void consider(memory_bound bound, std::uint64_t limit, std::uint64_t base, std::uint64_t now);
  void tell(actors::steady_time now);
  void tick();
  void give_back();
  void empty_caches();
  void await_tick();

  const std::uint64_t max_bytes_;
  thread_units& units_;
  actors::node_state& node_;
  logger& log_;
  boost::asio::steady_timer timer_;
  const cgroup_limit cgroup_;

  mutable std::mutex mutex_; ///< guards what follows; never waited for in a turn
  held base_;
  memory_view view_;
  std::optional<std::uint64_t> cgroup_bytes_;
  std::uint64_t free_by_glibc_ = 0; ///< as of the last tick: it is expensive to ask
  std::deque<std::uint64_t> free_lately_;
  std::chrono::nanoseconds cpu_{0}; ///< used until the last tick
  actors::memory_level told_ = actors::memory_level::enough;
  actors::steady_time told_at_{};

  std::atomic<actors::steady_time::rep> next_look_{
      std::numeric_limits<actors::steady_time::rep>::max()}; ///< not before `begin`
  std::atomic<std::uint64_t> excess_{0}; ///< bytes over the first mark, while over the second
  std::atomic<bool> at_once_{false};
};

} // namespace beckon::net
