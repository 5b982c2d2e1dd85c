#pragma once
// One thread of the runtime: sockets, coroutines and actors in one loop. Owns: the loop, the run
// queue, the sockets' poller, and the order of a turn: sockets, deadlines, coroutines, actors,
// settlements, one flush per connection.

#include "actors/home.hpp"
#include "net/poller.hpp"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

namespace beckon::net {

class connection;

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

  /// Runs until `stop`. @pre `place` was set
  void run();
  void stop();
  bool running() const noexcept { return running_.load(); }
  /// Drops queued actors: the actor system ends. On this thread, or while it does not run.
  void clear();

  void bind(caf::actor_system& system, std::size_t max_throughput) {
    system_ = &system;
    max_throughput_ = max_throughput;
  }

  actors::home* place = nullptr; ///< set before run
  poller sockets;
  std::string read_buffer; ///< shared by the thread's connections: an idle one owns none

  /// Runs `f` on this thread. Any thread.
  template <class F>
  void post(F f) {
    boost::asio::post(loop_, std::move(f));
    posted_.store(true);
    sockets.wake();
  }
  /// Wakes the connection's coroutine in the next turn. On this thread.
  void wake_later(std::shared_ptr<connection> c) { awake_.push_back(std::move(c)); }
  /// Flushes the connection at the end of this turn.
  void flush_later(connection& c) { dirty_.push_back(&c); }
  /// Connections of this thread that have started and not ended.
  void admit(connection& c) { connections_.insert(&c); }
  void dismiss(connection& c) { connections_.erase(&c); }
  /// Ends all that are left, without a word.
  void cut_all();
  /// Keeps what ended alive until the end of this turn, when no event can name it any more.
  void bury(std::shared_ptr<connection> c) { buried_.push_back(std::move(c)); }

private:
  void begin_turn();
  void serve_sockets();
  void run_actors();
  void take_remote();
  void end_turn();
  bool busy() const noexcept;

  /// Actors resumed before the sockets get their turn again.
  static constexpr std::size_t activations_per_turn = 512;
  /// Turns in a row in which sockets wait for actors that are behind: what they read would only
  /// lengthen mailboxes.
  static constexpr int turns_without_sockets_max = 16;
  /// A turn that starts this much too late finds answers in the sockets that deadlines must not
  /// overtake.
  static constexpr std::chrono::milliseconds late_min{500};
  static thread_local thread_unit* current_;

  boost::asio::executor_work_guard<executor> work_;
  std::size_t max_throughput_ = 64;
  int turns_without_sockets_ = 0;
  bool late_ = false; ///< the thread was stopped, and not all sockets have been served since
  std::deque<caf::resumable*> local_;
  std::mutex remote_mutex_;
  std::vector<caf::resumable*> remote_; ///< guarded by remote_mutex_
  bool remote_woken_ = false;           ///< guarded by remote_mutex_

  std::unordered_set<connection*> connections_;
  std::vector<std::shared_ptr<connection>> awake_, waking_;
  std::vector<connection*> dirty_;
  std::vector<connection*> flushing_;
  std::vector<std::shared_ptr<connection>> buried_;
  std::atomic<bool> running_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> posted_{false}; ///< the loop has something to run: looking costs a system call
};

} // namespace beckon::net
