#include "net/thread_unit.hpp"

#include "actors/memory_reserve.hpp"
#include "net/connection.hpp"
#include "net/memory_watermark.hpp"

#include <algorithm>
#include <caf/logger.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <cassert>
#include <utility>

namespace beckon::net {

/// Large enough that a full socket buffer of small frames is taken in one call.
static constexpr std::size_t read_buffer_bytes = 64 * 1024;

thread_local thread_unit* thread_unit::current_ = nullptr;

thread_unit::thread_unit()
    : loop_(1), read_buffer(read_buffer_bytes, '\0'), work_(loop_.get_executor()),
      standstill_(std::chrono::steady_clock::now()), local_(waiting_actors) {
  remote_.reserve(waiting_actors);
}

thread_unit::~thread_unit() = default;

// ---- the turn ----

void thread_unit::run() {
  actors::must_not_fail here; // but where somebody answers for it: stories and handlers
  current_ = this;
  place->enter();
  begin_turn();
  standstill_ = standstill(place->now);
  while (!stopping_.load(std::memory_order_relaxed))
    turn();
  end();
  // spawn() leaves a reference to the system's logger in this thread; ~actor_system would wait for
  // it for ever.
  caf::logger::set_current_actor_system(nullptr);
  current_ = nullptr;
}

/// Nothing is thrown out of it: what goes wrong costs whom it was done for. Each part is bounded,
/// as its function says.
void thread_unit::turn() {
  guarded([this] { serve_sockets(); });
  watch_.did(turn_part::sockets);
  guarded([this] { fire_deadlines(); });
  watch_.did(turn_part::deadlines);
  guarded([this] { go_on(); });
  watch_.did(turn_part::coroutines);
  guarded([this] { run_actors(); });
  watch_.did(turn_part::actors);
  guarded([this] { end_turn(); });
  watch_.did(turn_part::sending);
}

template <class F>
void thread_unit::guarded(F f) noexcept {
  try {
    f();
  } catch (const std::exception& trouble) {
    if (tell.failed)
      tell.failed(trouble.what());
  }
}

/// One look at the sockets, at most `poller::events_per_turn` of them; each connection that is told
/// reads one buffer at most.
void thread_unit::serve_sockets() {
  if (behind()) {
    begin_turn();
    if (!standstill_.noticed(place->now)) {
      ++turns_without_sockets_;
      return;
    }
  }
  turns_without_sockets_ = 0;
  auto sleep = busy() ? std::chrono::nanoseconds{0} : time_to_sleep();
  sockets.wait(sleep);
  begin_turn();
  auto stood = standstill_.looked(place->now, sleep.value_or(std::chrono::hours(1)),
                                  sockets.found_all(), poller::looks_for(connections_.size()));
  if (stood >= standstill::told_least && tell.stood_still)
    tell.stood_still(stood);
  sockets.dispatch();
}

/// Whether actors have so much to do that what sockets bring would only lengthen mailboxes.
bool thread_unit::behind() const noexcept {
  return !local_.empty() && turns_without_sockets_ < turns_without_sockets_max;
}

/// Whether something is left to do that no socket will tell of.
bool thread_unit::busy() const noexcept {
  return !local_.empty() || posted_.load(std::memory_order_relaxed) || !dirty_.empty() ||
         !awake_.empty() || place->owes();
}

/// @returns nothing while no deadline is armed: until a socket or another thread wakes it
std::optional<std::chrono::nanoseconds> thread_unit::time_to_sleep() {
  auto now = std::chrono::steady_clock::now();
  end_watch(now);
  auto next = standstill_.resting() ? standstill_.until() : place->wheel.next();
  if (!next)
    return std::nullopt;
  return std::max(*next - now, std::chrono::nanoseconds{0});
}

void thread_unit::begin_turn() {
  place->now = std::chrono::steady_clock::now();
  place->wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  end_watch(place->now);
  watch_.begin(place->now);
  if (memory)
    memory->look(*this);
}

void thread_unit::end_watch(actors::steady_time now) {
  if (watch_.end(now, tell.slow))
    place->count.turns_slow.add();
}

/// At most `timing_wheel::looked_at_max`. What sockets have just brought is settled before them.
void thread_unit::fire_deadlines() {
  if (standstill_.resting())
    return;
  place->settle_here();
  place->wheel.advance(place->now);
}

/// Each connection that wants it, once, and what other threads posted.
void thread_unit::go_on() {
  waking_.swap(awake_);
  for (auto& c : waking_)
    c->go_on();
  waking_.clear();
  if (posted_.exchange(false))
    loop_.poll();
}

/// At most `activations_per_turn` of `max_throughput_` messages, and none begins after
/// `actors_time_max`.
void thread_unit::run_actors() {
  take_remote();
  std::size_t n = 0;
  while (n < activations_per_turn && !local_.empty()) {
    auto* job = local_.front();
    local_.pop_front();
    resume(job);
    if (++n % activations_per_clock == 0 &&
        std::chrono::steady_clock::now() - place->now > actors_time_max)
      break;
  }
  watch_.resumed(n);
}

void thread_unit::resume(caf::resumable* job) {
  switch (job->resume(this, max_throughput_)) {
  case caf::resumable::resume_later:
    push_local(job); // keeps the reference; others may have filled the queue meanwhile
    break;
  case caf::resumable::awaiting_message:
  case caf::resumable::done:
    caf::intrusive_ptr_release(job);
    break;
  case caf::resumable::shutdown_execution_unit:
    break;
  }
}

/// Flushes at most `flushes_per_turn` connections, each by one system call.
void thread_unit::end_turn() {
  place->end_turn();
  auto all = dirty_.size(); // what a flush makes dirty is flushed in the next turn
  auto now = std::min(all, flushes_per_turn);
  for (std::size_t n = 0; n < now; ++n) {
    auto* c = dirty_.front();
    dirty_.pop_front();
    c->flush();
  }
  place->end_turn(); // a flush settles what waited for `written`
  if (now == all)
    buried_.clear(); // nothing names them any more
}

/// Connections end on their thread, and what they and bots owe is settled as far as it can be.
void thread_unit::end() {
  guarded([this] { cut_all(); });
  place->for_each_session([this](actors::session& left) { // bots: nobody cuts them
    guarded([&left] { left.drain({}); });
  });
  for (int n = 0; n < last_turns_max && busy(); ++n)
    turn();
}

/// What a turn keeps lists of, each connection once, needs no memory in the turn.
void thread_unit::admit(connection& c) {
  auto most = connections_.size() + 1;
  if (dirty_.capacity() < most)
    dirty_.set_capacity(2 * most);
  if (buried_.capacity() < most)
    buried_.reserve(2 * most);
  connections_.insert(&c);
}

void thread_unit::cut_all() {
  auto left = connections_; // cutting one takes it out
  for (auto* c : left)
    c->cut();
}

// ---- the run queue ----

void thread_unit::exec_later(caf::resumable* job) {
  if (current_ == this)
    return push_local(job);
  bool wake;
  {
    std::lock_guard guard{remote_mutex_};
    actors::must_not_fail here; // an actor that has mail and is not queued never runs again
    remote_.push_back(job);
    wake = !std::exchange(remote_woken_, true);
  }
  if (wake)
    sockets.wake();
}

/// A queue that grows keeps what it has grown to: under a steady load nothing is allocated.
void thread_unit::push_local(caf::resumable* job) {
  if (local_.full()) {
    actors::must_not_fail here; // as in exec_later
    local_.set_capacity(2 * local_.capacity());
  }
  local_.push_back(job);
}

void thread_unit::take_remote() {
  std::lock_guard guard{remote_mutex_};
  for (auto* job : remote_)
    push_local(job);
  remote_.clear();
  remote_woken_ = false;
}

void thread_unit::stop() {
  stopping_.store(true);
  sockets.wake();
}

bool thread_unit::clear() {
  assert(!current_);
  place->enter(); // what the actors touch at their end is this home's
  auto some = false;
  for (take_remote(); !local_.empty(); take_remote()) {
    auto* job = local_.front();
    local_.pop_front();
    caf::scheduler::abstract_coordinator::cleanup_and_release(job);
    some = true;
  }
  return some;
}

} // namespace beckon::net
