#pragma once
// The deadlines of one thread: a hashed wheel, so that setting and dropping one costs a few
// pointers. Owns: which entry is due when. Used by its own thread only; the entries belong to
// sessions and connections.

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

namespace beckon::actors {

using steady_time = std::chrono::steady_clock::time_point;

/// Something that falls due. Leaves its wheel when it is destroyed.
class deadline {
public:
  deadline() = default;
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;
  virtual ~deadline() { unlink(); }

  bool armed() const noexcept { return next_ != this; }
  /// When it falls due. @pre armed()
  steady_time when() const noexcept { return when_; }
  void disarm() noexcept { unlink(); }

protected:
  /// Called once when the time has come, disarmed. May set itself again. Lives on until it returns.
  virtual void due(steady_time now) = 0;
  /// `due` threw: what it is a deadline of ends, and nothing else.
  virtual void failed(const char* why) noexcept = 0;

private:
  friend class timing_wheel;
  void unlink() noexcept {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }
  deadline* prev_ = this;
  deadline* next_ = this;
  steady_time when_{};
};

class timing_wheel {
public:
  /// Deadlines fire up to one tick late, never early.
  static constexpr std::chrono::milliseconds tick{20};
  static constexpr std::size_t slots = 1024; ///< one turn: about 20 s, longer waits go round

  explicit timing_wheel(steady_time start) : origin_(start) {}

  /// Arms `entry` for `when`, in place of what it was armed for.
  void set(deadline& entry, steady_time when);

  /// Entries looked at in one `advance`; the next goes on there.
  static constexpr std::size_t looked_at_max = 1024;

  /// Fires what is due at `now`, or a part of it. One that throws is told so.
  void advance(steady_time now);

  /// When `advance` may have something to do next; nothing while no entry is armed. Cheap: the ring
  /// is searched only when the tick that was thought to be next has passed, or its entry was
  /// disarmed.
  std::optional<steady_time> next();

private:
  struct head final : deadline {
    void due(steady_time) override {}
    void failed(const char*) noexcept override {}
  };
  static void fire(deadline& entry, steady_time now) noexcept;
  static void link(deadline& entry, head& list) noexcept;
  void put_back();
  std::size_t tick_of(steady_time when) const;

  steady_time origin_;
  std::size_t now_tick_ = 0; ///< ticks since origin_ that have been fired
  std::size_t next_tick_ =
      0;              ///< no entry is armed between now_tick_ and it; at most now_tick_: not known
  bool empty_ = true; ///< known at the last search, and nothing was set since
  std::array<head, slots> ring_;
  head later_; ///< of the tick that is being fired: due in another round
};

} // namespace beckon::actors
