#include "actors/memory_reserve.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

namespace beckon::actors {
namespace {

std::array<std::atomic<void*>, memory_reserve::blocks_max> blocks{};
std::atomic<std::uint64_t> blocks_drawn{0};

/// @returns whether there was a block to give back
bool give_back_one() noexcept {
  for (auto& block : blocks)
    if (auto* memory = block.exchange(nullptr)) {
      std::free(memory);
      blocks_drawn.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
  return false;
}

} // namespace

constinit thread_local bool memory_reserve::usable_ = false;

void memory_reserve::hold() {
  if (!std::get_new_handler())
    std::set_new_handler(on_no_memory);
  refill();
}

/// `new` tries again when this returns.
void memory_reserve::on_no_memory() {
  if (!usable_ || !give_back_one())
    throw std::bad_alloc();
}

bool memory_reserve::refill() noexcept {
  for (auto& block : blocks) {
    if (block.load())
      continue;
    auto* memory = std::malloc(block_bytes);
    if (!memory)
      return false;
    void* none = nullptr;
    if (!block.compare_exchange_strong(none, memory))
      std::free(memory);
  }
  return true;
}

std::size_t memory_reserve::held_bytes() noexcept {
  std::size_t held = 0;
  for (auto& block : blocks)
    held += block.load() ? block_bytes : 0;
  return held;
}

std::uint64_t memory_reserve::drawn() noexcept {
  return blocks_drawn.load(std::memory_order_relaxed);
}

bool memory_reserve::is_spared(std::size_t bytes) noexcept {
  may_fail here;
  auto* memory = ::operator new(bytes, std::nothrow);
  ::operator delete(memory);
  return memory != nullptr;
}

void memory_reserve::expect(std::size_t bytes) {
  if (!is_spared(bytes))
    throw std::bad_alloc();
}

} // namespace beckon::actors
