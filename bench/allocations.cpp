// Counts the allocations of a process that is started with this library in LD_PRELOAD, and writes
// their number to the file named by ALLOCATIONS_FILE when the process ends. Operator new ends up
// in malloc here, and is counted there. A realloc counts as one. Memory
// is the C library's meanwhile, whatever allocator the process would use otherwise: so free is
// here, too.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

// What glibc itself calls: no search for the next malloc, which would have to allocate.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* memory);
}

namespace {

std::atomic<std::uint64_t> count;

void count_one() {
  count.fetch_add(1, std::memory_order_relaxed);
}

__attribute__((destructor)) void write_count() {
  const char* path = std::getenv("ALLOCATIONS_FILE");
  const auto total = count.load();
  std::FILE* out = path == nullptr ? nullptr : std::fopen(path, "w");
  if (out == nullptr)
    return;
  std::fprintf(out, "%llu\n", static_cast<unsigned long long>(total));
  std::fclose(out);
}

} // namespace

extern "C" {

void* malloc(std::size_t bytes) {
  count_one();
  return __libc_malloc(bytes);
}

void* calloc(std::size_t number, std::size_t bytes) {
  count_one();
  return __libc_calloc(number, bytes);
}

void* realloc(void* old, std::size_t bytes) {
  count_one();
  return __libc_realloc(old, bytes);
}

void free(void* memory) {
  __libc_free(memory);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  count_one();
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return memalign(alignment, bytes);
}

int posix_memalign(void** into, std::size_t alignment, std::size_t bytes) {
  *into = memalign(alignment, bytes);
  return *into == nullptr ? ENOMEM : 0;
}

} // extern "C"

// An allocator that is a shared library of its own, as tcmalloc is, brings operators that do not
// end up in malloc.
void* operator new(std::size_t bytes) {
  if (auto* memory = malloc(bytes))
    return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  if (auto* memory = memalign(static_cast<std::size_t>(alignment), bytes))
    return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return malloc(bytes);
}
void* operator new[](std::size_t bytes) {
  return operator new(bytes);
}
void operator delete[](void* memory) noexcept {
  free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  free(memory);
}
void operator delete(void* memory) noexcept {
  free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  free(memory);
}
