#pragma once
// One thread of the runtime: sockets, coroutines and actors in one loop. Owns: the loop, the run
// queue, the sockets' poller, and the order of a turn: sockets, deadlines, coroutines, actors,
// settlements, one flush per connection.

#include "actors/home.hpp"
#include "actors/memory_reserve.hpp"
#include "net/poller.hpp"
#include "net/standstill.hpp"
#include "net/turn_watch.hpp"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/circular_buffer.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace beckon::net {

class connection;
class memory_watermark;

class thread_unit final : public caf::execution_unit {
  boost::asio::io_context loop_; // first: what follows is made with it

public:
  using executor = boost::asio::io_context::executor_type;

  thread_unit();
  ~thread_unit() override;

  /// The unit whose thread we are on, or nullptr.
  static thread_unit* current() noexcept { return current_; }
  boost::asio::io_context& loop() noexcept { return loop_; }

  /// Queues an actor to be resumed here. Any thread (a wider contract than the base class's).
  void exec_later(caf::resumable* job) override;

  /// Runs until `stop`, then ends what connections and bots are left. @pre `place` was set
  void run();
  void stop();
  /// Drops queued actors: the actor system ends. Once the thread does not run any more.
  /// @returns whether there were any
  bool clear();

  void bind(caf::actor_system& system, std::size_t max_throughput) {
    system_ = &system;
    max_throughput_ = max_throughput;
  }

  actors::home* place = nullptr;      ///< set before run
  memory_watermark* memory = nullptr; ///< set before run
  poller sockets;
  std::string read_buffer; ///< shared by the thread's connections: an idle one owns none

  /// Who is told of what went wrong or took long. All optional, set before `run`, called on this
  /// thread.
  struct listeners {
    std::function<void(const slow_turn&)> slow;
    std::function<void(std::chrono::nanoseconds)> stood_still;
    std::function<void(const char* why)> failed;
  } tell;

  /// Runs `f` on this thread. Any thread.
  template <class F>
  void post(F f) {
    boost::asio::post(loop_, std::move(f));
    posted_.store(true);
    sockets.wake();
  }
  /// Wakes the connection's coroutine in the next turn. On this thread.
  void wake_later(std::shared_ptr<connection> c) {
    actors::must_not_fail or_it_sleeps_on;
    awake_.push_back(std::move(c));
  }
  /// Flushes the connection at the end of this turn.
  void flush_later(connection& c) { dirty_.push_back(&c); } // `admit` has made room for it
  /// Connections of this thread that have started and not ended.
  void admit(connection& c);
  void dismiss(connection& c) { connections_.erase(&c); }
  /// Ends all that are left, without a word.
  void cut_all();
  /// Closes those that hold most, until so many bytes are let go, at most `shed_at_once` of them.
  void shed(std::size_t bytes, bool at_once);
  /// Not too soon after the last time.
  bool may_shed() const noexcept;
  /// Keeps what ended alive until the end of this turn, when no event can name it any more.
  void bury(std::shared_ptr<connection> c) {
    actors::must_not_fail in_a_story_that_is_over;
    buried_.push_back(std::move(c));
  }

private:
  void turn();
  void begin_turn();
  void serve_sockets();
  bool behind() const noexcept;
  std::optional<std::chrono::nanoseconds> time_to_sleep();
  void end_watch(actors::steady_time now);
  void fire_deadlines();
  void go_on();
  void run_actors();
  void resume(caf::resumable* job);
  void take_remote();
  void push_local(caf::resumable* job);
  void end_turn();
  void end();
  bool busy() const noexcept;
  template <class F>
  void guarded(F f) noexcept;

  /// Actors resumed before the sockets get their turn again.
  static constexpr std::size_t activations_per_turn = 512;
  /// Time after which no other is resumed in this turn, and how often the clock is asked.
  static constexpr std::chrono::milliseconds actors_time_max{10};
  static constexpr std::size_t activations_per_clock = 16;
  /// Connections flushed in a turn: more than a publication of a middling group wants.
  static constexpr std::size_t flushes_per_turn = 1024;
  /// Turns in a row in which sockets wait for actors that are behind: what they read would only
  /// lengthen mailboxes.
  static constexpr int turns_without_sockets_max = 16;
  /// Turns after `stop`, in which what is left says goodbye.
  static constexpr int last_turns_max = 16;
  /// Room for this many actors that wait to be resumed; it grows, which needs memory, and stays.
  static constexpr std::size_t waiting_actors = 4096;
  /// One that holds less gives nothing worth its end.
  static constexpr std::size_t shed_bytes_min = 4 * 1024;
  static constexpr std::size_t shed_at_once = 256;
  static thread_local thread_unit* current_;

  boost::asio::executor_work_guard<executor> work_;
  std::size_t max_throughput_ = 64;
  int turns_without_sockets_ = 0;
  standstill standstill_;
  turn_watch watch_;
  boost::circular_buffer<caf::resumable*> local_;
  std::mutex remote_mutex_;
  std::vector<caf::resumable*> remote_; ///< guarded by remote_mutex_
  bool remote_woken_ = false;           ///< guarded by remote_mutex_

  actors::steady_time shed_{}; ///< when it was last
  std::unordered_set<connection*> connections_;
  std::vector<std::shared_ptr<connection>> awake_, waking_;
  boost::circular_buffer<connection*> dirty_; ///< each once
  std::vector<std::shared_ptr<connection>> buried_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> posted_{false}; ///< the loop has something to run: looking costs a system call
};

} // namespace beckon::net
