// What a forwarded request costs in allocations once the buffers have grown: none of ours. libzmq
// makes its own for each message, which is not for each request.
#include <gtest/gtest.h>

#include <string>

#include "tests/bench/micro/allocations.h"
#include "tests/bench/micro/two_nodes.h"

namespace kvmesh::bench {
namespace {

class ForwardedAllocations : public testing::Test {
 protected:
  void SetUp() override {
    if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer has its own allocator";
    ASSERT_EQ(nodes_.ask("CREATE shopping\r\n"), "OK\r\n");
    ASSERT_EQ(nodes_.ask("PUT shopping milk 16-bytes-of-text\r\n"), "OK\r\n");
  }
  // Of `rounds` such requests, after some that may still grow buffers.
  std::uint64_t count(std::string_view line, std::string_view reply) {
    constexpr int kRounds = 1000;
    for (int i = 0; i < kRounds; ++i) EXPECT_EQ(nodes_.ask(line), reply);
    const auto before = allocations();
    bool right = true;
    for (int i = 0; i < kRounds; ++i) right &= nodes_.ask(line) == reply;
    const auto after = allocations();
    EXPECT_TRUE(right);
    return after - before;
  }
  TwoNodes nodes_;
};

TEST_F(ForwardedAllocations, TheCounterCounts) {
  const auto before = allocations();
  auto* text = new std::string(100, 'x');
  const auto after = allocations();
  EXPECT_EQ(text->size(), 100U);
  delete text;
  EXPECT_EQ(after - before, 2U);
}

TEST_F(ForwardedAllocations, AGetMakesNone) {
  EXPECT_EQ(count("GET shopping milk\r\n", "16-bytes-of-text\r\nOK\r\n"), 0U);
}

TEST_F(ForwardedAllocations, AGetOfAMissingKeyMakesNone) {
  EXPECT_EQ(count("GET shopping eggs\r\n", "\r\nOK\r\n"), 0U);
}

TEST_F(ForwardedAllocations, APutOfAValueOfTheSameSizeMakesNone) {
  EXPECT_EQ(count("PUT shopping milk 16-bytes-of-tea!\r\n", "OK\r\n"), 0U);
}

}  // namespace
}  // namespace kvmesh::bench
