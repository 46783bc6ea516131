// What many waiting fibers cost, and what happens to one that needs more stack than it has.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
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

std::size_t page_table_bytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmPTE:")) return std::stoul(line.substr(6)) * 1024;
  }
  return 0;
}

TEST(FiberMemory, AHundredThousandThatWaitFitInLittleMemoryAndGiveItBack) {
  if (kSanitized) GTEST_SKIP() << "sanitizers keep memory of their own for each fiber";
  constexpr std::size_t kFibers = 100000;
  constexpr std::size_t kMebibyte = 1024 * 1024;
  std::vector<FiberRef> fibers(kFibers);
  FiberPool pool({.queue_max = kFibers, .fibers_max = kFibers});
  const std::size_t before = resident_bytes();
  const std::size_t tables_before = page_table_bytes();
  for (auto& fiber : fibers) {
    start(pool, [&fiber] {
      fiber = FiberPool::current();
      FiberPool::park();
    });
  }
  await_parked(pool, kFibers);
  const std::size_t waiting = resident_bytes() - before;
  const std::size_t tables = page_table_bytes() - tables_before;
  EXPECT_EQ(pool.stack_counts().in_use, kFibers);
  for (const auto fiber : fibers) FiberPool::unpark(fiber);
  await_ended(pool);
  const std::size_t after = resident_bytes() - before;
  std::printf(
      "%zu KiB and %zu KiB of page tables for %zu fibers that wait, %zu KiB when they have ended; "
      "%zu guards\n",
      waiting / 1024, tables / 1024, kFibers, after / 1024, pool.stack_counts().guarded);
  // A page of stack and the fiber itself; not the page of a canary too.
  EXPECT_LT(waiting, kFibers * 6 * 1024);
  EXPECT_LT(tables, kFibers * 3 * 1024) << "half a page for a stack of 1 MiB";
  EXPECT_LT(after, 100 * kMebibyte);
}

TEST(FiberMemory, ShortFibersShareTheStacksOfTheWorkers) {
  FiberPool pool({.workers = 2, .queue_max = 100000});
  // ThreadSanitizer maps two megabytes for each fiber, and runs out of mappings with many.
  const int fibers = kSanitized ? 1000 : 20000;
  for (int i = 0; i < fibers; ++i) start(pool, [] {});
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

void overrun(std::size_t guarded, const StackUser& user = {}) {
  FiberPool pool({.workers = 1, .stack_bytes = 64 * 1024, .stacks_guarded_max = guarded});
  start(pool, [&user] {
    FiberPool::set_user(user);
    std::printf("%u", use_stack(64 * 1024));
  });
  await_ended(pool);
}

TEST(FiberMemoryDeathTest, OneThatOverrunsItsStackEndsTheProcess) {
  if (kSanitized) GTEST_SKIP() << "instrumented frames are larger";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const std::size_t guarded : {0U, 10U}) {
    // Without a guard it is found when it ends; with one at the instruction, which the core shows.
    const int signal = guarded == 0 ? SIGABRT : SIGSEGV;
    EXPECT_EXIT(
        overrun(guarded), testing::KilledBySignal(signal),
        "kvmesh critical a task overran its stack of 65536 bytes, and this process ends: raise "
        "tasks.stack_bytes");
    EXPECT_EXIT(
        overrun(guarded, {"mine.grep", "c@box", 0x1a2b, "<a@box/7>"}),
        testing::KilledBySignal(signal),
        "c@box critical mine.grep <c@box/1a2b>, which <a@box/7> asked for, overran its stack of "
        "65536 bytes");
  }
}

void fault_elsewhere() {
  FiberPool pool({.workers = 1, .stack_bytes = 64 * 1024});
  start(pool, [] {
    std::fputs("it begins\n", stderr);
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
  });
  await_ended(pool);
}

TEST(FiberMemoryDeathTest, AnyOtherFaultIsReportedAsWhatItIs) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers report faults themselves";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(fault_elsewhere(), testing::KilledBySignal(SIGSEGV),
              "^it begins\n[-0-9]+ [:.0-9]+ kvmesh critical a task crashed: SIGSEGV at address 0x0 "
              "\\(a null pointer\\), and this process ends\n$");
}

// The program's own handler, as a crash reporter would have one.
[[noreturn]] void report_crash(int /*signal*/) {
  const std::string_view text = "reported\n";
  (void)!write(STDERR_FILENO, text.data(), text.size());
  _exit(7);
}

void overrun_with_a_reporter() {
  std::signal(SIGSEGV, &report_crash);
  overrun(10);
}

TEST(FiberMemoryDeathTest, TheProgramsOwnHandlerIsCalledAfterTheMessage) {
  if (kSanitized) GTEST_SKIP() << "instrumented frames are larger";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(overrun_with_a_reporter(), testing::ExitedWithCode(7),
              "overran its stack of 65536 bytes.*\nreported\n$");
}

void fault_with_a_reporter() {
  std::signal(SIGSEGV, &report_crash);
  fault_elsewhere();
}

TEST(FiberMemoryDeathTest, OtherFaultsAreLeftToTheProgramsOwnHandler) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers report faults themselves";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(fault_with_a_reporter(), testing::ExitedWithCode(7), "^it begins\nreported\n$");
}

}  // namespace
}  // namespace kvmesh::tasks
