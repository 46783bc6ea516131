// The keyed hash of names that strangers choose.

#include "common/name_hash.h"

#include <gtest/gtest.h>

#include <highwayhash/sip_hash.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace kvmesh {
namespace {

constexpr HashKey kKey{{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

TEST(NameHash, IsSipHash13) {
  EXPECT_EQ(sip_hash(kKey, ""), 0xabac0158050fc4dcU);
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    const auto expected = highwayhash::SipHash13(kKey.words, bytes.data(), bytes.size());
    EXPECT_EQ(sip_hash(kKey, bytes), expected) << bytes.size() << " bytes";
    // A name may be cut out of something longer.
    const auto longer = "x" + bytes + std::string(20, '\xff');
    EXPECT_EQ(sip_hash(kKey, std::string_view(longer).substr(1, bytes.size())), expected);
    bytes += static_cast<char>(i * 37 + 200);
  }
}

TEST(NameHash, ANameWithoutMemoryIsTheEmptyName) {
  EXPECT_EQ(name_hash(std::string_view{}), name_hash(""));
  EXPECT_EQ(NameHash{}(std::string("a")), name_hash("a"));
}

TEST(NameHash, DependsOnItsKey) {
  constexpr HashKey kOther{{0x0706050403020100, 0x0f0e0d0c0b0a0909}};
  EXPECT_NE(sip_hash(kKey, "shopping"), sip_hash(kOther, "shopping"));
  EXPECT_NE(name_hash("shopping"), sip_hash(HashKey{}, "shopping")) << "the process has drawn one";
}

// Under Abseil's hash, whatever its seed, they had one hash: their first eight bytes are a constant
// of its own, which makes it forget the second eight.
TEST(NameHash, NamesMadeToCollideUnderAHashWithoutAKeyDoNot) {
  constexpr std::size_t kNames = 60'000;
  constexpr std::uint64_t kConstant = 0x13198A2E03707344;
  std::vector<std::uint64_t> hashes;
  for (std::size_t i = 0; i < kNames; ++i) {
    std::string name(32, 'A');
    std::memcpy(name.data(), &kConstant, sizeof kConstant);
    char number[9];
    std::snprintf(number, sizeof number, "%08zu", i);
    std::memcpy(name.data() + 8, number, 8);
    hashes.push_back(name_hash(name));
  }
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
  // 60 000 names in 4096 places: 15 in each, and 60 more than once in 10^15 tries.
  std::vector<int> places(4096);
  for (const auto hash : hashes) ++places[hash % places.size()];
  EXPECT_LT(*std::ranges::max_element(places), 60);
}

}  // namespace
}  // namespace kvmesh
