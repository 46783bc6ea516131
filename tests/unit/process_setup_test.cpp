#include "node/process_setup.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <vector>

namespace kvmesh {
namespace {

// Pieces that malloc keeps apart until something large is asked for, as mallinfo2 counts them.
std::size_t kept_apart_of_many_small_pieces() {
  constexpr std::size_t kPieces = 1000;
  constexpr std::size_t kBytes = 64;
  std::vector<void*> pieces(kPieces);
  for (auto& piece : pieces) piece = std::malloc(kBytes);
  const auto before = ::mallinfo2().fsmblks;
  for (auto* piece : pieces) std::free(piece);
  const auto after = ::mallinfo2().fsmblks;
  return after > before ? after - before : 0;
}

TEST(ProcessSetup, WhatIsFreedIsJoinedAtOnce) {
  prepare_memory();
  EXPECT_EQ(kept_apart_of_many_small_pieces(), 0U);
}

}  // namespace
}  // namespace kvmesh
