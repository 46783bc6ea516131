// What many waiting fibers cost, and what happens to one that needs more stack than it has.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <vector>

#include "tests/unit/fiber_fixture.h"

namespace kvmesh::tasks {
namespace {

std::size_t resident_bytes() {
  std::size_t all = 0;
  std::size_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(FiberMemory, AHundredThousandThatWaitFitInLittleMemoryAndGiveItBack) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep memory of their own for each fiber";
  constexpr std::size_t kFibers = 100000;
  constexpr std::size_t kMebibyte = 1024 * 1024;
  std::vector<FiberRef> fibers(kFibers);
  FiberPool pool({.queue_max = kFibers, .fibers_max = kFibers});
  const std::size_t before = resident_bytes();
  for (auto& fiber : fibers) {
    start(pool, [&fiber] {
      fiber = FiberPool::current();
      FiberPool::park();
    });
  }
  await_parked(pool, kFibers);
  const std::size_t waiting = resident_bytes() - before;
  EXPECT_EQ(pool.stack_counts().in_use, kFibers);
  for (const auto fiber : fibers) FiberPool::unpark(fiber);
  await_ended(pool);
  const std::size_t after = resident_bytes() - before;
  std::printf("%zu KiB for %zu fibers that wait, %zu KiB when they have ended; %zu guard pages\n",
              waiting / 1024, kFibers, after / 1024, pool.stack_counts().guarded);
  // A page of stack, the fiber itself, page tables; not the page of a canary too.
  EXPECT_LT(waiting, kFibers * 6 * 1024);
  EXPECT_LT(after, 100 * kMebibyte);
}

TEST(FiberMemory, ShortFibersShareTheStacksOfTheWorkers) {
  FiberPool pool({.workers = 2, .queue_max = 100000});
  for (int i = 0; i < 20000; ++i) start(pool, [] {});
  await_ended(pool);
  EXPECT_LE(pool.stack_counts().in_use, 2U);
}

// Fills the stack below its caller in small frames, down to `bytes` below `from` or a little
// further. The bytes are volatile, and used after the call, so that each frame is there.
[[gnu::noinline]] unsigned descend(const volatile unsigned char* from, std::size_t bytes) {
  volatile unsigned char frame[256];  // NOLINT: std::array has no volatile elements
  for (volatile unsigned char& byte : frame) byte = 0xA5;
  const auto used =
      reinterpret_cast<std::uintptr_t>(from) - reinterpret_cast<std::uintptr_t>(frame);
  const unsigned below = used < bytes ? descend(from, bytes) : 0;
  return below + frame[0];
}

unsigned use_stack(std::size_t bytes) {
  const volatile unsigned char here = 0;
  return descend(&here, bytes);
}

TEST(FiberMemory, AFiberMayUseNearlyItsWholeStack) {
  if (kSanitized) GTEST_SKIP() << "instrumented frames are larger";
  for (const std::size_t guarded : {0U, 10U}) {
    FiberPool pool({.workers = 1, .stack_bytes = 64 * 1024, .stacks_guarded_max = guarded});
    std::atomic<unsigned> sum = 0;
    for (int i = 0; i < 10; ++i) {
      start(pool, [&sum] {
        sum += use_stack(60 * 1024);
        FiberPool::yield();
        sum += use_stack(60 * 1024);
      });
    }
    await_ended(pool);
    EXPECT_NE(sum, 0U);
  }
}

void overrun(std::size_t guarded) {
  FiberPool pool({.workers = 1, .stack_bytes = 64 * 1024, .stacks_guarded_max = guarded});
  start(pool, [] { std::printf("%u", use_stack(64 * 1024)); });
  await_ended(pool);
}

TEST(FiberMemoryDeathTest, OneThatOverrunsItsStackEndsTheProcess) {
  if (kSanitized) GTEST_SKIP() << "instrumented frames are larger";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(overrun(0), "overran its stack of 65536 bytes; raise tasks.stack_bytes");
  EXPECT_EXIT(overrun(10), testing::KilledBySignal(SIGSEGV), "");
}

}  // namespace
}  // namespace kvmesh::tasks
