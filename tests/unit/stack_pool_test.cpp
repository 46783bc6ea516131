// The memory that fibers run on.
#include "node/tasks/stack_pool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "node/tasks/sanitizers.h"

namespace kvmesh::tasks {
namespace {

using Use = StackPool::Use;

constexpr std::size_t kBytes = 64 * 1024;

StackPool::Options unguarded() { return {.stack_bytes = kBytes, .guarded_max = 0}; }

std::byte* top(const Stack& stack) { return stack.low + kBytes; }

// The page at `page` has memory (or the system's page of zeros stands for it).
bool is_mapped(std::byte* page) {
  unsigned char mapped = 0;
  EXPECT_EQ(mincore(page, 4096, &mapped), 0);
  return (mapped & 1U) != 0;
}

bool page_below_is_mapped(const Stack& stack) { return is_mapped(stack.low - 4096); }

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

TEST(StackPool, AKeptStackGivesBackAllButItsUpper64KiB) {
  for (const std::size_t guarded : {0U, 1U}) {
    constexpr std::size_t kLarge = 1024 * 1024;
    StackPool pool({.stack_bytes = kLarge, .guarded_max = guarded});
    ASSERT_TRUE(pool.reserve(1).ok());
    const Stack stack = pool.acquire();
    std::memset(stack.low, 0x5A, kLarge);
    pool.release(stack);
    ASSERT_EQ(pool.acquire().low, stack.low);
    EXPECT_FALSE(is_mapped(stack.low));
    EXPECT_FALSE(is_mapped(stack.low + kLarge - kBytes - 4096));
    EXPECT_TRUE(is_mapped(stack.low + kLarge - kBytes));
    EXPECT_EQ(pool.counts().guarded, guarded);
    pool.release(stack);
  }
}

TEST(StackPool, AGuardIsASixteenthOfTheStackButAPageAtLeast) {
  for (const auto& [bytes, guard] : {std::pair<std::size_t, std::size_t>{16 * 1024, 4096},
                                     {256 * 1024, 16 * 1024},
                                     {1024 * 1024, 64 * 1024},
                                     {8 * 1024 * 1024, 64 * 1024}}) {
    StackPool pool({.stack_bytes = bytes});
    ASSERT_TRUE(pool.reserve(1).ok());
    const Stack stack = pool.acquire();
    EXPECT_TRUE(pool.is_guard_of(stack, stack.low - 1));
    EXPECT_TRUE(pool.is_guard_of(stack, stack.low - guard));
    EXPECT_FALSE(pool.is_guard_of(stack, stack.low - guard - 1));
    EXPECT_FALSE(pool.is_guard_of(stack, stack.low));
    pool.release(stack);
  }
}

TEST(StackPool, WithoutAGuardAStackIsCounted) {
  StackPool pool({.stack_bytes = kBytes, .guarded_max = 1});
  ASSERT_TRUE(pool.reserve(2).ok());
  const Stack guarded = pool.acquire();
  EXPECT_EQ(pool.unguarded(), 0U);
  const Stack unguarded = pool.acquire();
  EXPECT_EQ(pool.unguarded(), 1U);
  pool.release(unguarded);
  EXPECT_EQ(pool.acquire().low, unguarded.low);
  EXPECT_EQ(pool.unguarded(), 1U) << "the same one again";
  pool.release(unguarded);
  pool.release(guarded);
}

// Mappings of this process.
std::size_t mappings() {
  std::ifstream maps{"/proc/self/maps"};
  return static_cast<std::size_t>(
      std::count(std::istreambuf_iterator<char>{maps}, std::istreambuf_iterator<char>{}, '\n'));
}

TEST(StackPool, WhereTheSystemMarksPagesEveryStackHasAGuardAndNoMappingIsSplit) {
  constexpr std::size_t kStacks = 50000;  // twice that many mappings are more than there may be
  StackPool pool({.stack_bytes = 4096});
  ASSERT_TRUE(pool.reserve(kStacks).ok());
  const std::size_t before = mappings();
  std::vector<Stack> stacks(kStacks);
  for (auto& stack : stacks) stack = pool.acquire();
  const bool marks = mappings() < before + 1000;
  if (marks) {
    EXPECT_EQ(pool.counts().guarded, kStacks);
    EXPECT_EQ(pool.unguarded(), 0U);
  }
  for (const auto& used : stacks) pool.release(used);
  if (!marks) GTEST_SKIP() << "the system is older than Linux 6.13";
}

TEST(StackPool, ProtectedGuardsAreSharedByAllPools) {
  std::size_t alone = 0;
  {
    StackPool pool({.stack_bytes = 4096, .marks = false});
    ASSERT_TRUE(pool.reserve(20000).ok());
    std::vector<Stack> stacks(20000);
    for (auto& stack : stacks) stack = pool.acquire();
    alone = pool.counts().guarded;
    EXPECT_GT(alone, 0U);

    StackPool other({.stack_bytes = 4096, .marks = false});
    ASSERT_TRUE(other.reserve(1).ok());
    const Stack stack = other.acquire();
    EXPECT_EQ(stack.guarded, alone == stacks.size());
    other.release(stack);
    for (const auto& used : stacks) pool.release(used);
  }
  StackPool later({.stack_bytes = 4096, .marks = false});
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

TEST_F(StackPoolDeathTest, AGuardCannotBeTouchedHoweverOftenItsStackWasUsed) {
  for (const bool marks : {true, false}) {
    for (const std::size_t kept_max : {0U, 1U}) {
      StackPool pool(
          {.stack_bytes = 4 * kBytes, .kept_max = kept_max, .guarded_max = 1, .marks = marks});
      ASSERT_TRUE(pool.reserve(1).ok());
      pool.release(pool.acquire());
      const Stack stack = pool.acquire();
      ASSERT_TRUE(stack.guarded);
      EXPECT_DEATH(*const_cast<volatile std::byte*>(stack.low - 1) = std::byte{1}, "");
      pool.release(stack);
    }
  }
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
