#pragma once
// What the process's allocator keeps beside what is in use. Owns: nothing. The executable links
// tcmalloc (decisions/0008), programs of others and sanitized builds may not: it is looked for when
// the process starts, and glibc is asked where it is not there.

#include <cstddef>

namespace beckon::net {

struct allocator_pages {
  std::size_t free = 0;     ///< bytes of whole pages that nobody uses, and that are still ours
  std::size_t unmapped = 0; ///< bytes of address space whose pages the system has back
};

/// Whether `pages_of_allocator` costs no more than a lock: so it is with tcmalloc, while glibc
/// walks all that is free. Any thread, as the others.
bool allocator_tells_cheaply() noexcept;
allocator_pages pages_of_allocator() noexcept;
/// Bytes in use, as the allocator counts them; it adds up what all threads keep.
std::size_t allocated_bytes() noexcept;
/// Bytes that are free in the caches of all threads; with glibc 0.
std::size_t cached_by_threads() noexcept;
/// Empties this thread's cache, which fills again as the thread goes on.
void empty_thread_cache() noexcept;
/// Gives up to so many bytes of free pages back to the system (glibc: all that it can). Other
/// threads wait for it when they need a page: a little at a time.
void give_back_to_system(std::size_t bytes) noexcept;

} // namespace beckon::net
