#pragma once
// Notices that a thread did not get to its sockets for long: the process was stopped, its machine
// stood still, a turn took all the time. Owns: whether deadlines rest meanwhile, since what they
// wait for may lie in the sockets. They rest for one pass over the sockets and a moment more, then
// fall due in any case.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace beckon::net {

class standstill {
public:
  using time = std::chrono::steady_clock::time_point;
  using duration = std::chrono::steady_clock::duration;
  /// So much longer than it was meant to be is a sleep, or the way from one look at the sockets to
  /// the next.
  static constexpr std::chrono::milliseconds least{100};
  /// What an operator wants to know of.
  static constexpr std::chrono::milliseconds told_least{500};
  /// What other threads read in their sockets takes a moment to come here.
  static constexpr std::chrono::milliseconds settling{20};

  explicit standstill(time now) : looked_(now) {}

  /// Whether the sockets must be looked at before anything else is done.
  bool noticed(time now) const noexcept { return now - looked_ > least; }

  /// After each look at the sockets. @param slept how long it was meant to last at most
  /// @param found_all whether no socket was left for the next look
  /// @param looks in how many of them each socket that is ready now has had its turn
  /// @returns how long the thread stood still since the last look; zero where that is at most
  /// `least`
  duration looked(time now, duration slept, bool found_all, std::size_t looks) noexcept {
    auto away = now - std::exchange(looked_, now) - std::max(slept, duration::zero());
    auto stood = away > least;
    if (resting_)
      go_on_resting(now, stood, found_all);
    else if (stood)
      rest(now, found_all ? 0 : looks);
    return stood ? away : duration::zero();
  }

  /// Deadlines rest in this turn.
  bool resting() const noexcept { return resting_; }
  /// At least until then, when the sockets are to be looked at again. @pre resting()
  time until() const noexcept { return until_; }

private:
  void rest(time now, std::size_t looks) noexcept {
    resting_ = true;
    looks_left_ = looks;
    until_ = now + settling;
    prolonged_ = false;
  }

  void go_on_resting(time now, bool stood, bool found_all) noexcept {
    looks_left_ = found_all ? 0 : looks_left_ - std::min<std::size_t>(looks_left_, 1);
    if (found_all && stood && !std::exchange(prolonged_, true))
      until_ = now + settling; // another one right behind the first
    resting_ = looks_left_ > 0 || now < until_;
  }

  time looked_;
  time until_{};
  std::size_t looks_left_ = 0;
  bool resting_ = false;
  bool prolonged_ = false;
};

} // namespace beckon::net
