#include "net/allocator.hpp"

#include <malloc.h>

// tcmalloc's, which may not be there: the link line of the executable alone decides.
extern "C" {
__attribute__((weak)) int MallocExtension_GetNumericProperty(const char* name, std::size_t* value);
__attribute__((weak)) void MallocExtension_MarkThreadIdle();
__attribute__((weak)) void MallocExtension_ReleaseToSystem(std::size_t bytes);
}

namespace beckon::net {
namespace {

std::size_t property(const char* name) noexcept {
  std::size_t value = 0;
  return MallocExtension_GetNumericProperty(name, &value) ? value : 0;
}

} // namespace

bool allocator_tells_cheaply() noexcept {
  return MallocExtension_GetNumericProperty != nullptr;
}

allocator_pages pages_of_allocator() noexcept {
  if (allocator_tells_cheaply())
    return {property("tcmalloc.pageheap_free_bytes"), property("tcmalloc.pageheap_unmapped_bytes")};
  return {::mallinfo2().fordblks, 0};
}

std::size_t allocated_bytes() noexcept {
  if (allocator_tells_cheaply())
    return property("generic.current_allocated_bytes");
  auto all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}

std::size_t cached_by_threads() noexcept {
  return allocator_tells_cheaply() ? property("tcmalloc.current_total_thread_cache_bytes") : 0;
}

void empty_thread_cache() noexcept {
  if (MallocExtension_MarkThreadIdle)
    MallocExtension_MarkThreadIdle();
}

void give_back_to_system(std::size_t bytes) noexcept {
  if (MallocExtension_ReleaseToSystem)
    MallocExtension_ReleaseToSystem(bytes);
  else
    ::malloc_trim(0);
}

} // namespace beckon::net
