// Takes the place of the allocator's functions in the programs that link it, and passes everything
// on to glibc's own.
#include "tests/bench/micro/allocations.h"

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KVMESH_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KVMESH_SANITIZED
#endif

namespace kvmesh::bench {
namespace {
thread_local std::uint64_t count = 0;  // NOLINT: changed by the functions below
}

std::uint64_t allocations() { return count; }

#ifdef KVMESH_SANITIZED
bool allocations_are_counted() { return false; }
}  // namespace kvmesh::bench
#else
bool allocations_are_counted() { return true; }
void count_one() { ++count; }
}  // namespace kvmesh::bench

// NOLINTBEGIN: these names are glibc's
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);

void* malloc(std::size_t size) {
  kvmesh::bench::count_one();
  return __libc_malloc(size);
}
void* calloc(std::size_t items, std::size_t size) {
  kvmesh::bench::count_one();
  return __libc_calloc(items, size);
}
void* realloc(void* old, std::size_t size) {
  kvmesh::bench::count_one();
  return __libc_realloc(old, size);
}
}
// NOLINTEND
#endif
