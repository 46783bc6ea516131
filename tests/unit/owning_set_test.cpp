// Sets of any size: what one operation costs, walks over a set that changes, and accounting.

#include "node/store/owning_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

namespace kvmesh::store {
namespace {

struct Thing {
  explicit Thing(std::string_view text) : name(text) {}
  std::string name;
};

// Whatever moves a thing to another place asks for its name before.
std::size_t names_asked_for = 0;

std::string_view name_of(const Thing& thing) {
  ++names_asked_for;
  return thing.name;
}

constexpr std::uint64_t kOutOfReach = std::uint64_t{1} << 40;
constexpr std::uint64_t kThingBytes = 100;

class OwningSetTest : public testing::Test {
 protected:
  using Set = OwningSet<std::unique_ptr<Thing>>;

  OwningSetTest() { std::cout << "seed " << seed_ << "\n"; }
  ~OwningSetTest() override {
    EXPECT_EQ(memory_.held(), set_.bytes() + kThingBytes * set_.size()) << "seed " << seed_;
  }

  static std::string numbered(std::size_t number) { return "thing " + std::to_string(number); }
  void put(const std::string& text) {
    const HashedName name(text);
    const auto status =
        set_.insert(memory_, name, kThingBytes, [&] { return std::make_unique<Thing>(text); });
    ASSERT_TRUE(status.ok()) << status.text();
  }
  void take(const std::string& text) {
    ASSERT_NE(set_.take(memory_, HashedName(text)), nullptr) << text;
    memory_.release(kThingBytes);
  }
  // What is visited from there to the next stop.
  ScanPosition step(ScanPosition position, std::map<std::string, int>& seen) const {
    return set_.visit_from(position, [&](const Thing& thing) { ++seen[thing.name]; });
  }

  const std::mt19937::result_type seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
  MemoryBound memory_{kOutOfReach};
  Set set_;
};

TEST_F(OwningSetTest, NoOperationMovesMoreThanATableHoweverManyThingsThereAre) {
  constexpr std::size_t kThings = 300'000;
  std::size_t most = 0;
  const auto count = [&](auto act) {
    names_asked_for = 0;
    act();
    most = std::max(most, names_asked_for);
  };
  for (std::size_t i = 0; i < kThings; ++i) count([&] { put(numbered(i)); });
  EXPECT_GT(most, Set::kTableFull / 2) << "there was something to move";
  EXPECT_LT(most, 2 * Set::kTableFull);
  for (std::size_t i = 0; i < kThings; ++i) {
    ASSERT_NE(set_.find(HashedName(numbered(i))), nullptr);
  }
  most = 0;
  for (std::size_t i = 0; i < kThings; ++i) count([&] { take(numbered(i)); });
  EXPECT_LT(most, 2 * Set::kTableFull);
  EXPECT_EQ(memory_.held(), 0U) << "nothing is left";
}

TEST_F(OwningSetTest, TablesStayFullEnoughWhileASetGrowsAndShrinks) {
  constexpr std::size_t kThings = 200'000;
  constexpr std::uint64_t kBytesMost = 25;  // of tables, for each thing
  for (std::size_t i = 0; i < kThings; ++i) {
    put(numbered(i));
    ASSERT_LT(set_.bytes(), kBytesMost * (i + 1) + 2000) << i;
  }
  for (std::size_t i = kThings; i > 10; --i) {
    take(numbered(i - 1));
    ASSERT_LT(set_.bytes(), 4 * kBytesMost * i + 2000) << i;
  }
  while (set_.size() > 0) take(numbered(set_.size() - 1));
}

TEST_F(OwningSetTest, WhatIsThereAllTheTimeIsVisitedOnceWhileTheSetChanges) {
  constexpr std::size_t kStay = 3000;
  constexpr std::size_t kOthersMax = 40'000;
  for (int round = 0; round < 4; ++round) {
    std::set<std::size_t> others;
    const auto to_size = [&](std::size_t wanted) {
      while (others.size() < wanted) {
        const auto number = kStay + random_() % (4 * kOthersMax);
        if (others.insert(number).second) put(numbered(number));
      }
      while (others.size() > wanted) {
        take(numbered(*others.begin()));
        others.erase(others.begin());
      }
    };
    for (std::size_t i = 0; i < kStay; ++i) put(numbered(i));
    to_size(random_() % kOthersMax);
    std::map<std::string, int> seen;
    int steps = 0;
    for (ScanPosition at = 0; at < kScanEnd; ++steps) {
      at = step(at, seen);
      if (steps < 30) to_size(random_() % 8 == 0 ? 0 : random_() % kOthersMax);
    }
    for (std::size_t i = 0; i < kStay; ++i) {
      ASSERT_EQ(seen[numbered(i)], 1) << i << ", round " << round << ", seed " << seed_;
    }
    to_size(0);
    for (std::size_t i = 0; i < kStay; ++i) take(numbered(i));
  }
}

TEST_F(OwningSetTest, WithoutMemoryForASplitItRefusesNothingThatFits) {
  constexpr std::size_t kThings = Set::kTableFull;  // the next one is to split the table
  for (std::size_t i = 0; i < kThings; ++i) put(numbered(i));
  const auto before = set_.bytes();
  MemoryBound tight(200);  // a thing and its slot fit, a table does not
  const auto insert = [&](const std::string& text) {
    return set_.insert(tight, HashedName(text), kThingBytes,
                       [&] { return std::make_unique<Thing>(text); });
  };
  ASSERT_TRUE(insert("fits").ok());
  EXPECT_EQ(insert("does not").code(), StatusCode::kFull);
  EXPECT_NE(set_.find(HashedName("fits")), nullptr);
  EXPECT_EQ(set_.find(HashedName("does not")), nullptr);
  EXPECT_EQ(tight.held(), kThingBytes + set_.bytes() - before);
  memory_.charge(tight.held());
}

TEST_F(OwningSetTest, IsEmptiedTableByTable) {
  constexpr std::size_t kThings = 30'000;
  for (std::size_t i = 0; i < kThings; ++i) put(numbered(i));
  std::size_t drained = 0;
  std::size_t last = 0;
  int steps = 0;
  for (bool more = true; more; ++steps) {
    more = set_.drain_some(memory_, [&](const std::unique_ptr<Thing>&) { ++drained; });
    EXPECT_LT(drained - last, 2 * Set::kTableFull);
    last = drained;
  }
  EXPECT_EQ(drained, kThings);
  EXPECT_GT(steps, 4);
  EXPECT_EQ(set_.size(), 0U);
  memory_.release(kThingBytes * kThings);
}

}  // namespace
}  // namespace kvmesh::store
