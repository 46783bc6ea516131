#pragma once

#include <cstdlib>

namespace kvmesh::store {

/// Has malloc sort what was freed since it was called last, some thousand pieces at most: takes a
/// fraction of a millisecond. Else it does so when it is asked for something that it has not at
/// hand, up to 10000 pieces each time, and after some million keys were freed many such calls in a
/// row would take milliseconds each.
inline void sort_freed_pieces() {
  constexpr std::size_t kLarge = 2048;  // more than malloc keeps ready for a thread
  void* piece = std::malloc(kLarge);
  asm volatile("" : : "r"(piece) : "memory");  // or the compiler would leave out both
  std::free(piece);
}

}  // namespace kvmesh::store
