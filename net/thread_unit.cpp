#include "net/thread_unit.hpp"

#include "net/connection.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>
#include <utility>

namespace beckon::net {

/// Large enough that a full socket buffer of small frames is taken in one call.
static constexpr std::size_t read_buffer_bytes = 64 * 1024;

thread_local thread_unit* thread_unit::current_ = nullptr;

thread_unit::thread_unit()
    : loop_(1), read_buffer(read_buffer_bytes, '\0'), work_(loop_.get_executor()) {}

thread_unit::~thread_unit() = default;

// ---- the turn
// -----------------------------------------------------------------------------------------------------

void thread_unit::run() {
  current_ = this;
  place->enter();
  running_.store(true);
  begin_turn();
  while (!stopping_.load(std::memory_order_relaxed)) {
    serve_sockets();
    if (!late_)
      place->wheel.advance(place->now);
    waking_.swap(awake_);
    for (auto& c : waking_)
      c->go_on();
    waking_.clear();
    if (posted_.exchange(false))
      loop_.poll(); // what other threads posted
    run_actors();
    end_turn();
  }
  running_.store(false);
  current_ = nullptr;
}

void thread_unit::serve_sockets() {
  auto behind = !local_.empty() && ++turns_without_sockets_ <= turns_without_sockets_max;
  if (behind)
    return begin_turn();
  turns_without_sockets_ = 0;
  std::optional<std::chrono::nanoseconds> sleep;
  if (busy())
    sleep = std::chrono::nanoseconds{0}; // only look
  else if (auto next = place->wheel.next())
    sleep = *next - std::chrono::steady_clock::now();
  sockets.wait(sleep);
  auto before = place->now;
  begin_turn();
  late_ = (late_ || (sleep && place->now - before > *sleep + late_min)) && !sockets.found_all();
  sockets.dispatch();
}

/// Whether something is left to do that no socket will tell of.
bool thread_unit::busy() const noexcept {
  return !local_.empty() || posted_.load(std::memory_order_relaxed) || !dirty_.empty() ||
         !awake_.empty() || place->owes();
}

void thread_unit::begin_turn() {
  place->now = std::chrono::steady_clock::now();
  place->wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
}

void thread_unit::run_actors() {
  take_remote();
  for (std::size_t n = 0; n < activations_per_turn && !local_.empty(); ++n) {
    auto* job = local_.front();
    local_.pop_front();
    switch (job->resume(this, max_throughput_)) {
    case caf::resumable::resume_later:
      local_.push_back(job); // keeps the reference
      break;
    case caf::resumable::awaiting_message:
    case caf::resumable::done:
      caf::intrusive_ptr_release(job);
      break;
    case caf::resumable::shutdown_execution_unit:
      break;
    }
  }
}

void thread_unit::end_turn() {
  place->end_turn();
  flushing_.swap(dirty_); // what a flush makes dirty is flushed in the next turn
  for (auto* c : flushing_)
    c->flush();
  flushing_.clear();
  place->end_turn(); // a flush settles what waited for `written`
  buried_.clear();
}

void thread_unit::cut_all() {
  auto left = connections_; // cutting one takes it out
  for (auto* c : left)
    c->cut();
}

// ---- the run queue
// ------------------------------------------------------------------------------------------------

void thread_unit::exec_later(caf::resumable* job) {
  if (current_ == this) {
    local_.push_back(job);
    return;
  }
  bool wake;
  {
    std::lock_guard guard{remote_mutex_};
    remote_.push_back(job);
    wake = !std::exchange(remote_woken_, true);
  }
  if (wake)
    sockets.wake();
}

void thread_unit::take_remote() {
  std::lock_guard guard{remote_mutex_};
  local_.insert(local_.end(), remote_.begin(), remote_.end());
  remote_.clear();
  remote_woken_ = false;
}

void thread_unit::stop() {
  stopping_.store(true);
  sockets.wake();
}

void thread_unit::clear() {
  for (take_remote(); !local_.empty(); take_remote()) {
    auto* job = local_.front();
    local_.pop_front();
    caf::scheduler::abstract_coordinator::cleanup_and_release(job);
  }
}

} // namespace beckon::net
