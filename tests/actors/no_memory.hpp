#pragma once
// An allocator that runs out of memory when it is told to, in place of the program's own. Owns:
// when that is.

#include <cstddef>

namespace beckon::testing {

/// From its `nth` allocation on this thread finds no memory where std::bad_alloc is answered for
/// (actors::may_fail), as if the reserve were endless; `hard`: nowhere.
class no_memory {
public:
  explicit no_memory(std::size_t nth, bool hard = false) noexcept;
  ~no_memory();
  no_memory(const no_memory&) = delete;
  no_memory& operator=(const no_memory&) = delete;

  /// Whether one was refused.
  bool was_felt() const noexcept;
};

} // namespace beckon::testing
