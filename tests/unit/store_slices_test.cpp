// What takes long is done in slices: freeing a dropped bucket, and pages of many names.

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/store/freed_pieces.h"
#include "node/store/memory_engine.h"

namespace kvmesh::store {
namespace {

constexpr std::uint64_t kRoomForAll = std::uint64_t{1} << 30;

std::string named(std::string_view prefix, std::uint64_t number) {
  return std::string(prefix) + std::to_string(number);
}

// Answers how many keys fitted.
std::uint64_t put_until_full(MemoryEngine& engine, std::string_view bucket,
                             std::string_view value) {
  std::uint64_t keys = 0;
  while (engine.put(bucket, named("key", 1'000'000 + keys), value).ok()) ++keys;
  return keys;
}

TEST(StoreSlices, ALargeBucketIsDroppedAtOnceAndFreedInSlices) {
  constexpr std::uint64_t kKeys = 30'000;
  MemoryEngine engine(kRoomForAll);
  ASSERT_TRUE(engine.create("b").ok());
  for (std::uint64_t i = 0; i < kKeys; ++i)
    ASSERT_TRUE(engine.put("b", named("key", i), "value").ok());
  const auto before = engine.usage().bytes;
  ASSERT_TRUE(engine.drop("b").ok());
  EXPECT_GT(engine.usage().bytes, before - 1000) << "its records count until they are free";
  EXPECT_EQ(engine.usage().keys, 0U);
  EXPECT_EQ(engine.usage().buckets, 0U);
  ASSERT_TRUE(engine.create("b").ok()) << "the name is free at once";
  EXPECT_EQ(*engine.count("b"), 0U);
  ASSERT_TRUE(engine.drop("b").ok());
  auto last = before;
  int slices = 0;
  for (; engine.usage().bytes > 0 && slices < 100; ++slices) {
    engine.tidy();
    EXPECT_LT(engine.usage().bytes, last);
    EXPECT_LT(last - engine.usage().bytes, before / 2) << "a slice, not everything";
    last = engine.usage().bytes;
  }
  EXPECT_EQ(last, 0U);
  EXPECT_GT(slices, 2);
  engine.tidy();
  EXPECT_EQ(engine.usage().bytes, 0U) << "nothing is left to do";
}

TEST(StoreSlices, KeysThatExpireTogetherAreRemovedAFewAtATime) {
  constexpr std::uint64_t kKeys = 3000;
  constexpr std::uint64_t kFew = 300;
  MemoryEngine engine(kRoomForAll);
  ASSERT_TRUE(engine.create("b").ok());
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    const auto key = named("key", i);
    const Change put{.key = key, .value = "value", .ttl_ms = 100};
    ASSERT_TRUE(engine.apply("b", {.checks = {}, .changes = {&put, 1}}, 1000).ok());
  }
  EXPECT_FALSE(engine.expire_some(1099));
  auto left = *engine.count("b");
  EXPECT_EQ(left, kKeys) << "not yet";
  for (bool more = true; more;) {
    more = engine.expire_some(1100);
    const auto now = *engine.count("b");
    EXPECT_LE(left - now, kFew);
    EXPECT_TRUE(now < left || !more) << "each look gets on";
    left = now;
  }
  EXPECT_EQ(left, 0U);
}

// How many pieces malloc has not sorted yet, asked without a malloc, which would sort some; 0 where
// malloc is not glibc's.
class UnsortedPieces {
 public:
  UnsortedPieces() : file_(::fmemopen(text_.data(), text_.size(), "w")) {
    std::setvbuf(file_, buffer_.data(), _IOFBF, buffer_.size());
  }
  UnsortedPieces(const UnsortedPieces&) = delete;
  UnsortedPieces& operator=(const UnsortedPieces&) = delete;
  ~UnsortedPieces() { std::fclose(file_); }

  void ask() {
    ::malloc_info(0, file_);
    std::fflush(file_);
  }
  std::size_t count() const {
    const std::string_view info{text_.data()};
    std::size_t count = 0;
    for (auto at = info.find("<unsorted"); at != info.npos; at = info.find("<unsorted", at + 1)) {
      count += std::stoul(std::string{info.substr(info.find("count=\"", at) + 7, 20)});
    }
    return count;
  }

 private:
  std::vector<char> text_ = std::vector<char>(1 << 18);
  std::vector<char> buffer_ = std::vector<char>(1 << 18);
  std::FILE* file_;
};

TEST(StoreSlices, WhatWasFreedIsSortedBeforeThereIsMuchOfIt) {
  constexpr std::size_t kPieces = 8000;
  constexpr std::size_t kBytes = 200;
  UnsortedPieces before;
  UnsortedPieces after;
  std::vector<void*> pieces(kPieces);
  for (auto& piece : pieces) piece = std::malloc(kBytes);
  for (std::size_t i = 0; i < kPieces; i += 2) std::free(pieces[i]);
  before.ask();
  sort_freed_pieces();
  after.ask();
  for (std::size_t i = 1; i < kPieces; i += 2) std::free(pieces[i]);
  if (before.count() == 0) GTEST_SKIP() << "this malloc sorts nothing";
  EXPECT_GT(before.count(), kPieces / 4);
  EXPECT_LT(after.count(), 10U);
}

TEST(StoreSlices, OfLargeValuesFewerAreFreedInASlice) {
  constexpr std::uint64_t kKeys = 200;
  MemoryEngine engine(kRoomForAll);
  ASSERT_TRUE(engine.create("b").ok());
  const std::string value(1 << 20, 'v');
  for (std::uint64_t i = 0; i < kKeys; ++i)
    ASSERT_TRUE(engine.put("b", named("key", i), value).ok());
  ASSERT_TRUE(engine.drop("b").ok());
  int slices = 0;
  while (slices <= 200 && engine.tidy()) ++slices;
  EXPECT_GT(slices, 50) << "some mebibytes each";
  EXPECT_LE(slices, 200);
  EXPECT_EQ(engine.usage().bytes, 0U);
}

TEST(StoreSlices, NothingIsFullForTheSakeOfWhatWasDropped) {
  constexpr std::uint64_t kBytesMax = 4 << 20;
  MemoryEngine engine(kBytesMax);
  for (int round = 0; round < 4; ++round) {
    ASSERT_TRUE(engine.create("b").ok());
    const auto count = put_until_full(engine, "b", "0123456789abcdef");
    EXPECT_GT(count, kBytesMax / 90);
    ASSERT_TRUE(engine.drop("b").ok());
    ASSERT_GT(engine.usage().bytes, kBytesMax / 2) << "not free yet";
  }
  ASSERT_TRUE(engine.create("large").ok());
  EXPECT_TRUE(engine.put("large", "k", std::string(1 << 20, 'v')).ok());
  EXPECT_LE(engine.usage().bytes, kBytesMax);
}

TEST(StoreSlices, APageOfManyNamesIsGatheredInSteps) {
  constexpr std::uint64_t kNames = 40'000;
  MemoryEngine engine(kRoomForAll);
  std::vector<std::string> expected;
  ASSERT_TRUE(engine.create("b").ok());
  for (std::uint64_t i = 0; i < kNames; ++i) {
    expected.push_back(named("name", 100'000 + i));
    ASSERT_TRUE(engine.put("b", expected.back(), "").ok());
    ASSERT_TRUE(engine.create(expected.back()).ok());
  }
  const auto after = expected[99];
  const std::vector<std::string> page(expected.begin() + 100, expected.begin() + 150);
  for (const bool keys : {true, false}) {
    Listing listing({after, page.size(), 1 << 20});
    int steps = 1;
    while (!(keys ? *engine.scan_keys("b", listing) : engine.scan_buckets(listing))) ++steps;
    EXPECT_GE(steps, 4);
    EXPECT_LE(steps, 10);
    const auto built = std::move(listing).finish();
    EXPECT_EQ(built.names, page);
    EXPECT_TRUE(built.more);
  }
  Listing listing({std::nullopt, 10, 1 << 20});
  ASSERT_FALSE(*engine.scan_keys("b", listing));
  ASSERT_TRUE(engine.drop("b").ok());
  EXPECT_EQ(engine.scan_keys("b", listing).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace kvmesh::store
