#include "tests/actors/no_memory.hpp"

#include "actors/memory_reserve.hpp"

#include <cstdlib>
#include <limits>
#include <new>

namespace beckon::testing {
namespace {

constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
thread_local std::size_t left = never; ///< allocations until there is no more
thread_local bool nowhere = false;
thread_local bool felt = false;

bool is_refused() noexcept {
  if (left == never)
    return false;
  if (left > 1) {
    --left;
    return false;
  }
  auto refused = nowhere || !actors::memory_reserve::is_usable();
  felt = felt || refused;
  return refused;
}

} // namespace

no_memory::no_memory(std::size_t nth, bool hard) noexcept {
  left = nth;
  nowhere = hard;
  felt = false;
}

no_memory::~no_memory() {
  left = never;
}

bool no_memory::was_felt() const noexcept {
  return felt;
}

} // namespace beckon::testing

void* operator new(std::size_t bytes) {
  if (beckon::testing::is_refused())
    throw std::bad_alloc();
  while (true) {
    if (auto* memory = std::malloc(bytes ? bytes : 1))
      return memory;
    auto* handler = std::get_new_handler();
    if (!handler)
      throw std::bad_alloc();
    handler();
  }
}

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return beckon::testing::is_refused() ? nullptr : std::malloc(bytes ? bytes : 1);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
