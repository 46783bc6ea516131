// The memory that fibers run on.
#include "node/tasks/stack_pool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "node/tasks/sanitizers.h"

namespace kvmesh::tasks {
namespace {

using Use = StackPool::Use;

constexpr std::size_t kBytes = 64 * 1024;

StackPool::Options unguarded() { return {.stack_bytes = kBytes, .guarded_max = 0}; }

std::byte* top(const Stack& stack) { return stack.low + kBytes; }

// The page below `stack` has memory (or the system's page of zeros stands for it).
bool page_below_is_mapped(const Stack& stack) {
  const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  unsigned char mapped = 0;
  EXPECT_EQ(mincore(stack.low - page_bytes, page_bytes, &mapped), 0);
  return (mapped & 1U) != 0;
}

TEST(StackPool, GivesAsManyAsWereReservedAndNoTwoShareAByte) {
  StackPool pool({.stack_bytes = kBytes, .guarded_max = 70});
  ASSERT_TRUE(pool.reserve(200).ok());
  std::vector<Stack> stacks;
  for (int i = 0; i < 200; ++i) {
    stacks.push_back(pool.acquire());
    std::memset(stacks.back().low, 0x5A, kBytes);
    pool.check(stacks.back(), stacks.back().low, Use::kGoesOn);
  }
  EXPECT_GE(pool.counts().reserved, 200U);
  EXPECT_EQ(pool.counts().in_use, 200U);
  EXPECT_EQ(pool.counts().guarded, 70U);
  EXPECT_EQ(std::count_if(stacks.begin(), stacks.end(), [](auto& s) { return s.guarded; }), 70);

  auto sorted = stacks;
  std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.low < b.low; });
  for (std::size_t i = 1; i < sorted.size(); ++i) EXPECT_GT(sorted[i].low, top(sorted[i - 1]));
  for (const auto& stack : stacks) pool.release(stack);
  EXPECT_EQ(pool.counts().in_use, 0U);
}

TEST(StackPool, TheSizeIsRoundedUpToPages) {
  EXPECT_EQ(StackPool({.stack_bytes = kBytes}).stack_bytes(), kBytes);
  EXPECT_EQ(StackPool({.stack_bytes = kBytes - 4095}).stack_bytes(), kBytes);
}

TEST(StackPool, TheOneReleasedLastComesFirst) {
  StackPool pool(unguarded());
  ASSERT_TRUE(pool.reserve(3).ok());
  const Stack a = pool.acquire();
  const Stack b = pool.acquire();
  pool.release(a);
  pool.release(b);
  EXPECT_EQ(pool.acquire().low, b.low);
  EXPECT_EQ(pool.acquire().low, a.low);
  pool.release(a);
  pool.release(b);
}

TEST(StackPool, FreeStacksBeyondThoseKeptGiveTheirMemoryBack) {
  auto options = unguarded();
  options.kept_max = 1;
  StackPool pool(options);
  ASSERT_TRUE(pool.reserve(2).ok());
  const Stack kept = pool.acquire();
  const Stack returned = pool.acquire();
  for (const auto& stack : {kept, returned}) {
    *stack.low = std::byte{1};
    pool.release(stack);
  }
  const Stack first = pool.acquire();
  const Stack second = pool.acquire();
  EXPECT_EQ(first.low, kept.low);
  EXPECT_EQ(*first.low, std::byte{1});
  EXPECT_EQ(second.low, returned.low);
  EXPECT_EQ(*second.low, std::byte{0});
  pool.release(first);
  pool.release(second);
}

TEST(StackPool, ACanaryTakesNoMemoryUntilItIsLookedAtAndGivesItBack) {
  auto options = unguarded();
  options.kept_max = 0;
  StackPool pool(options);
  ASSERT_TRUE(pool.reserve(1).ok());
  const Stack stack = pool.acquire();
  pool.check(stack, stack.low + kBytes / 2, Use::kGoesOn);
  EXPECT_FALSE(page_below_is_mapped(stack)) << "one that waits must not pay for a second page";
  pool.check(stack, top(stack), Use::kHasEnded);
  EXPECT_TRUE(page_below_is_mapped(stack)) << "the canary of one that has ended was not looked at";
  pool.release(stack);
  EXPECT_FALSE(page_below_is_mapped(stack)) << "release() left the page of the canary";
}

TEST(StackPool, GuardPagesAreSharedByAllPools) {
  std::size_t alone = 0;
  {
    StackPool pool({.stack_bytes = 4096});
    ASSERT_TRUE(pool.reserve(20000).ok());
    std::vector<Stack> stacks(20000);
    for (auto& stack : stacks) stack = pool.acquire();
    alone = pool.counts().guarded;
    EXPECT_GT(alone, 0U);

    StackPool other({.stack_bytes = 4096});
    ASSERT_TRUE(other.reserve(1).ok());
    const Stack stack = other.acquire();
    EXPECT_EQ(stack.guarded, alone == stacks.size());
    other.release(stack);
    for (const auto& used : stacks) pool.release(used);
  }
  StackPool later({.stack_bytes = 4096});
  ASSERT_TRUE(later.reserve(1).ok());
  const Stack stack = later.acquire();
  EXPECT_TRUE(stack.guarded);  // the first pool has given its share back
  later.release(stack);
}

TEST(StackPool, SaysWhenTheSystemHasNoAddressSpace) {
  StackPool pool({.stack_bytes = std::size_t{1} << 48});
  const Status refused = pool.reserve(1);
  EXPECT_EQ(refused.code(), StatusCode::kOverloaded);
  EXPECT_NE(refused.text().find("the system refused"), std::string::npos) << refused.text();
  EXPECT_EQ(pool.counts().reserved, 0U);
}

class StackPoolDeathTest : public testing::Test {
 protected:
  StackPoolDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(StackPoolDeathTest, AnOverwrittenCanaryIsFound) {
  StackPool pool(unguarded());
  ASSERT_TRUE(pool.reserve(2).ok());
  const Stack stack = pool.acquire();
  pool.check(stack, top(stack), Use::kHasEnded);
  EXPECT_DEATH(
      {
        stack.low[-1] = std::byte{1};
        pool.check(stack, top(stack), Use::kHasEnded);
      },
      "a task overran its stack of 65536 bytes");
  EXPECT_DEATH(
      {
        stack.low[-1] = std::byte{1};
        pool.check(stack, stack.low + kBytes / 2 - 1, Use::kGoesOn);
      },
      "a task overran its stack of 65536 bytes");
  pool.release(stack);
}

TEST_F(StackPoolDeathTest, AStackPointerOutsideIsFound) {
  StackPool pool(unguarded());
  ASSERT_TRUE(pool.reserve(1).ok());
  const Stack stack = pool.acquire();
  EXPECT_DEATH(pool.check(stack, stack.low - 1, Use::kGoesOn),
               "a task overran its stack of 65536 bytes");
  EXPECT_DEATH(pool.check(stack, top(stack) + 1, Use::kGoesOn),
               "a task overran its stack of 65536 bytes");
  pool.release(stack);
}

TEST_F(StackPoolDeathTest, AGuardPageCannotBeTouched) {
  StackPool pool({.stack_bytes = kBytes, .guarded_max = 1});
  ASSERT_TRUE(pool.reserve(1).ok());
  const Stack stack = pool.acquire();
  ASSERT_TRUE(stack.guarded);
  EXPECT_DEATH(*const_cast<volatile std::byte*>(stack.low - 1) = std::byte{1}, "");
  pool.release(stack);
}

TEST_F(StackPoolDeathTest, MisuseIsADefect) {
  EXPECT_DEATH(
      {
        StackPool pool(unguarded());
        (void)pool.acquire();
      },
      "beyond the 0 that were reserved");
  EXPECT_DEATH(
      {
        StackPool pool(unguarded());
        (void)pool.reserve(1);
        (void)pool.acquire();
      },
      "destroyed while 1 of its stacks are in use");
}

}  // namespace
}  // namespace kvmesh::tasks
