#pragma once
// Memory that is kept back for what must not fail when there is none: clean-up, and what keeps a
// thread's turn going. Owns: the process's new-handler, and the blocks that it gives back to the
// allocator when such work finds no memory. Filled again once there is enough. One for the process,
// as its allocator is.

#include <cstddef>
#include <cstdint>

namespace beckon::actors {

class memory_reserve {
public:
  static constexpr std::size_t block_bytes = 256 * 1024;
  static constexpr std::size_t blocks_max = 32;

  /// Fills it, and installs the new-handler; a program that has one of its own keeps that, and the
  /// reserve is not used. Any thread, any number of times.
  static void hold();
  /// Takes back what was given away, as far as there is memory. Any thread.
  /// @returns whether it is full
  static bool refill() noexcept;
  /// Any thread.
  static std::size_t held_bytes() noexcept;
  /// Whether this thread may use it now.
  static bool is_usable() noexcept { return usable_; }
  /// Blocks that were needed since the start of the process. Any thread.
  static std::uint64_t drawn() noexcept;

  /// Whether so much can be had now without the reserve: asked before something that must not stop
  /// halfway.
  static bool is_spared(std::size_t bytes) noexcept;
  /// @throws std::bad_alloc where it cannot
  static void expect(std::size_t bytes);

private:
  friend class must_not_fail;
  friend class may_fail;
  static void on_no_memory();
  static constinit thread_local bool usable_; ///< by this thread, now
};

/// While one lives, what this thread allocates may come from the reserve.
/// @note not across a `co_await`: the thread does other things meanwhile
class must_not_fail {
public:
  must_not_fail() noexcept : before_(memory_reserve::usable_) { memory_reserve::usable_ = true; }
  ~must_not_fail() { memory_reserve::usable_ = before_; }
  must_not_fail(const must_not_fail&) = delete;
  must_not_fail& operator=(const must_not_fail&) = delete;

private:
  const bool before_;
};

/// The opposite, within one: here std::bad_alloc reaches somebody who can answer for it.
class may_fail {
public:
  may_fail() noexcept : before_(memory_reserve::usable_) { memory_reserve::usable_ = false; }
  ~may_fail() { memory_reserve::usable_ = before_; }
  may_fail(const may_fail&) = delete;
  may_fail& operator=(const may_fail&) = delete;

private:
  const bool before_;
};

} // namespace beckon::actors
