#include "node/stream/address_budget.h"

#include <gtest/gtest.h>

#include <chrono>

#include "node/stream/recent_map.h"

namespace kvmesh::stream {
namespace {

using std::chrono::seconds;

TEST(RecentMap, KeepsThoseThatWereAskedForLast) {
  RecentMap<int, int> map{3};
  for (int key = 1; key <= 3; ++key) map.at(key) = key * 10;
  EXPECT_EQ(map.at(1), 10);  // now 2 is the oldest
  map.at(4) = 40;
  EXPECT_EQ(map.find(2), nullptr);
  ASSERT_NE(map.find(1), nullptr);
  map.erase(1);
  EXPECT_EQ(map.find(1), nullptr);
  EXPECT_EQ(map.size(), 2U);
}

TEST(AddressKey, OneOfANetworkOfIPv6IsAll) {
  const auto network = [](std::uint8_t last, std::uint8_t host) {
    return AddressKey::of_v6({0x20, 1, 0xd, 0xb8, 0, 0, 0, last, host, 0, 0, 0, 0, 0, 0, host});
  };
  EXPECT_EQ(network(1, 2), network(1, 3));
  EXPECT_FALSE(network(1, 2) == network(2, 2));
  EXPECT_EQ(AddressKey::of_v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}),
            AddressKey::of_v4({127, 0, 0, 1}));
  EXPECT_FALSE(AddressKey::of_v4({127, 0, 0, 1}) == AddressKey::of_v4({127, 0, 0, 2}));
  EXPECT_TRUE(AddressKey::of_v4({127, 9, 0, 1}).is_loopback());
  EXPECT_FALSE(AddressKey::of_v4({10, 0, 0, 1}).is_loopback());
  EXPECT_FALSE(AddressKey{}.is_loopback());
}

TEST(AddressBudget, IsSpentAndComesBackForEachAddressAlone) {
  const TimePoint now{std::chrono::hours{1}};
  AddressBudget budget{{3, 2, 10}};
  const auto a = AddressKey::of_v4({10, 0, 0, 1});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(a, now));
  EXPECT_FALSE(budget.take(a, now));
  EXPECT_TRUE(budget.take(AddressKey::of_v4({10, 0, 0, 2}), now));
  EXPECT_TRUE(budget.take(a, now + seconds{1}));
  EXPECT_TRUE(budget.take(a, now + seconds{1}));
  EXPECT_FALSE(budget.take(a, now + seconds{1}));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(a, now + seconds{100}));
  EXPECT_FALSE(budget.take(a, now + seconds{100})) << "no more than at the beginning";
}

}  // namespace
}  // namespace kvmesh::stream
