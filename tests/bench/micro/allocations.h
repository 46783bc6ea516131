#pragma once

#include <cstdint>

namespace kvmesh::bench {

/// Calls of malloc, calloc and realloc by this thread so far, operator new's among them. Always 0
/// where a sanitizer has its own allocator; allocations_are_counted() says so.
std::uint64_t allocations();
bool allocations_are_counted();

}  // namespace kvmesh::bench
