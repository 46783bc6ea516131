// The contract of node/store/engine.h, line by line, and the memory engine's own promises.
#include "node/store/memory_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/wire/buffer.h"
#include "common/wire/pack.h"
#include "node/store/page.h"

namespace kvmesh::store {
namespace {

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 30;

std::optional<std::string> value_of(MemoryEngine& engine, std::string_view bucket,
                                    std::string_view key) {
  std::optional<std::string> value;
  const auto found =
      engine.get(bucket, key, [&](std::string_view seen) { value = std::string(seen); });
  EXPECT_TRUE(found.ok()) << found.status().to_string();
  EXPECT_EQ(found.ok() && *found, value.has_value());
  return value;
}

std::vector<std::string> all_keys(MemoryEngine& engine, std::string_view bucket,
                                  std::size_t page_items) {
  std::vector<std::string> keys;
  std::optional<std::string> after;
  while (true) {
    const auto page = engine.list_keys(bucket, {after, page_items, 1 << 20});
    EXPECT_TRUE(page.ok());
    if (!page.ok()) return keys;
    keys.insert(keys.end(), page->names.begin(), page->names.end());
    if (!page->more) return keys;
    if (page->names.empty()) {
      ADD_FAILURE() << "an empty page says that more follow";
      return keys;
    }
    after = page->names.back();
  }
}

std::string numbered(std::string_view prefix, std::uint64_t number) {
  return std::string(prefix) + std::to_string(number);
}

std::string joined(std::string_view a, std::string_view b) {
  std::string both(a);
  both += '/';
  both += b;
  return both;
}

// Puts keys of one size until the engine is full; answers how many fitted.
std::uint64_t fill(MemoryEngine& engine, std::string_view bucket, std::string_view value) {
  for (std::uint64_t i = 0;; ++i) {
    const auto status = engine.put(bucket, numbered("key", 1'000'000 + i), value);
    if (status.ok()) continue;
    EXPECT_EQ(status.code(), StatusCode::kFull);
    return i;
  }
}

TEST(MemoryEngine, ABucketThatWasNotCreatedIsNotFound) {
  MemoryEngine engine(kPlenty);
  ASSERT_TRUE(engine.create("other").ok());
  bool called = false;
  EXPECT_EQ(engine.put("b", "k", "v").code(), StatusCode::kNotFound);
  EXPECT_EQ(engine.get("b", "k", [&](std::string_view) { called = true; }).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(engine.erase("b", "k").code(), StatusCode::kNotFound);
  EXPECT_EQ(engine.count("b").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(engine.list_keys("b", {std::nullopt, 10, 100}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(engine.drop("b").text(), "there is no bucket \"b\"");
  EXPECT_FALSE(called);
}

TEST(MemoryEngine, CreatingABucketAgainKeepsItsKeys) {
  MemoryEngine engine(kPlenty);
  ASSERT_TRUE(engine.create("shopping").ok());
  ASSERT_TRUE(engine.put("shopping", "milk", "1").ok());
  const auto bytes = engine.usage().bytes;
  EXPECT_TRUE(engine.create("shopping").ok());
  EXPECT_EQ(value_of(engine, "shopping", "milk"), "1");
  EXPECT_EQ(engine.usage().bytes, bytes);
  EXPECT_EQ(engine.usage().buckets, 1U);
}

TEST(MemoryEngine, PutReplacesAndEraseRemoves) {
  MemoryEngine engine(kPlenty);
  ASSERT_TRUE(engine.create("b").ok());
  EXPECT_EQ(value_of(engine, "b", "k"), std::nullopt);
  for (const std::string_view value :
       {"equal", "size5", "much longer than what was there before it", "x", ""}) {
    ASSERT_TRUE(engine.put("b", "k", value).ok());
    EXPECT_EQ(value_of(engine, "b", "k"), value);
    EXPECT_EQ(*engine.count("b"), 1U);
  }
  EXPECT_TRUE(engine.erase("b", "k").ok());
  EXPECT_TRUE(engine.erase("b", "k").ok()) << "erasing what is not there is fine";
  EXPECT_EQ(value_of(engine, "b", "k"), std::nullopt);
  EXPECT_EQ(*engine.count("b"), 0U);
}

TEST(MemoryEngine, NamesAndValuesAreAnyBytes) {
  MemoryEngine engine(kPlenty);
  const std::string zero(1, '\0');
  const std::string high("\xff\x00\xfe\r\n", 5);
  const std::vector<std::string> names = {"", zero, zero + zero, high, std::string(1024, 'k')};
  for (const auto& bucket : names) {
    ASSERT_TRUE(engine.create(bucket).ok());
    for (const auto& key : names) ASSERT_TRUE(engine.put(bucket, key, joined(bucket, key)).ok());
  }
  for (const auto& bucket : names) {
    for (const auto& key : names) EXPECT_EQ(value_of(engine, bucket, key), joined(bucket, key));
  }
  ASSERT_TRUE(engine.put(std::string_view{}, std::string_view{}, {}).ok());
  EXPECT_EQ(value_of(engine, "", ""), "");
  auto sorted = names;
  std::ranges::sort(sorted, [](const std::string& a, const std::string& b) {
    return std::ranges::lexicographical_compare(
        a, b, {}, [](char c) { return static_cast<unsigned char>(c); },
        [](char c) { return static_cast<unsigned char>(c); });
  });
  EXPECT_EQ(all_keys(engine, "", 2), sorted);
  EXPECT_EQ(engine.list_buckets({std::nullopt, 100, 1 << 20})->names, sorted);
  EXPECT_EQ(engine.list_buckets({"", 1, 1 << 20})->names, std::vector<std::string>{zero});
}

TEST(MemoryEngine, AValueGoesStraightIntoAReply) {
  MemoryEngine engine(kPlenty);
  ASSERT_TRUE(engine.create("b").ok());
  ASSERT_TRUE(engine.put("b", "k", "abc").ok());
  wire::Buffer reply;
  const auto found =
      engine.get("b", "k", [&](std::string_view value) { wire::pack_bin(reply, value); });
  EXPECT_TRUE(*found);
  EXPECT_EQ(reply.view(), std::string_view("\xc4\x03"
                                           "abc",
                                           5));
}

TEST(MemoryEngine, DropRemovesTheBucketWithItsKeysAndGivesAllMemoryBack) {
  MemoryEngine engine(kPlenty);
  ASSERT_TRUE(engine.create("b").ok());
  for (std::uint64_t i = 0; i < 1000; ++i)
    ASSERT_TRUE(engine.put("b", numbered("key", i), "value").ok());
  EXPECT_GT(engine.usage().bytes, 1000U * 32);
  ASSERT_TRUE(engine.drop("b").ok());
  EXPECT_EQ(engine.usage().bytes, 0U);
  EXPECT_EQ(engine.usage().keys, 0U);
  EXPECT_EQ(engine.usage().buckets, 0U);
  EXPECT_EQ(engine.drop("b").code(), StatusCode::kNotFound);
  ASSERT_TRUE(engine.create("b").ok());
  EXPECT_EQ(*engine.count("b"), 0U);
}

TEST(MemoryEngine, AnEmptiedBucketGivesItsTableBack) {
  MemoryEngine engine(kPlenty);
  ASSERT_TRUE(engine.create("b").ok());
  const auto empty = engine.usage().bytes;
  for (std::uint64_t i = 0; i < 10000; ++i)
    ASSERT_TRUE(engine.put("b", numbered("key", i), "value").ok());
  const auto full = engine.usage().bytes;
  for (std::uint64_t i = 0; i < 9900; ++i) ASSERT_TRUE(engine.erase("b", numbered("key", i)).ok());
  EXPECT_LT(engine.usage().bytes - empty, (full - empty) / 50) << "the table shrinks on the way";
  for (std::uint64_t i = 9900; i < 10000; ++i)
    ASSERT_TRUE(engine.erase("b", numbered("key", i)).ok());
  EXPECT_EQ(engine.usage().bytes, empty);
}

TEST(MemoryEngine, APageEndsAtItsItemsOrItsBytesButHoldsOneName) {
  MemoryEngine engine(kPlenty);
  ASSERT_TRUE(engine.create("b").ok());
  const auto none = engine.list_keys("b", {std::nullopt, 10, 10});
  EXPECT_TRUE(none->names.empty());
  EXPECT_FALSE(none->more);
  const std::string longest(100, 'b');
  for (const auto& key : {std::string("a"), longest, std::string("c"), std::string("d")}) {
    ASSERT_TRUE(engine.put("b", key, "v").ok());
  }
  using Names = std::vector<std::string>;
  struct Case {
    std::optional<std::string_view> after;
    std::size_t items_max;
    std::size_t bytes_max;
    Names names;
    bool more;
  };
  const std::vector<Case> cases = {
      {std::nullopt, 4, 103, {"a", longest, "c", "d"}, false},
      {std::nullopt, 3, 103, {"a", longest, "c"}, true},
      {std::nullopt, 4, 102, {"a", longest, "c"}, true},
      {std::nullopt, 4, 101, {"a", longest}, true},
      {std::nullopt, 4, 100, {"a"}, true},  // what is after the long name must not slip in
      {std::nullopt, 4, 0, {"a"}, true},
      {"a", 4, 10, {longest}, true},
      {"a", 4, 102, {longest, "c", "d"}, false},
      {"c", 1, 10, {"d"}, false},
      {"bz", 1, 10, {"c"}, true},
      {"d", 10, 10, {}, false},
      {"zzz", 10, 10, {}, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::Message() << "after " << c.after.value_or("(start)") << ", "
                                    << c.items_max << " items, " << c.bytes_max << " bytes");
    const auto page = engine.list_keys("b", {c.after, c.items_max, c.bytes_max});
    EXPECT_EQ(page->names, c.names);
    EXPECT_EQ(page->more, c.more);
  }
}

TEST(Listing, TheOrderInWhichNamesComeDoesNotMatter) {
  std::vector<std::string> order = {"a", std::string(100, 'b'), "c", "d"};
  do {
    Listing page({std::nullopt, 4, 100});
    for (const auto& name : order) page.offer(name);
    const auto built = std::move(page).finish();
    EXPECT_EQ(built.names, std::vector<std::string>{"a"})
        << "c and d must not slip past the long name";
    EXPECT_TRUE(built.more);
  } while (std::ranges::next_permutation(order).found);
}

TEST(MemoryEngine, BucketsAreListedInOrderOverAllStripes) {
  MemoryEngine engine(kPlenty);
  std::vector<std::string> expected;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    expected.push_back(numbered("bucket", i));
    ASSERT_TRUE(engine.create(expected.back()).ok());
  }
  std::ranges::sort(expected);
  std::vector<std::string> listed;
  std::optional<std::string> after;
  for (bool more = true; more;) {
    const auto page = engine.list_buckets({after, 7, 1 << 20});
    ASSERT_FALSE(page->names.empty());
    ASSERT_LE(page->names.size(), 7U);
    listed.insert(listed.end(), page->names.begin(), page->names.end());
    after = listed.back();
    more = page->more;
  }
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(engine.list_buckets({std::nullopt, 1000, 20})->names,
            std::vector<std::string>(expected.begin(), expected.begin() + 2));
}

TEST(MemoryEngine, TheBoundIsReachedExactlyAndOneMoreByteIsFull) {
  std::uint64_t needed = 0;
  {
    MemoryEngine engine(kPlenty);
    ASSERT_TRUE(engine.create("b").ok());
    ASSERT_TRUE(engine.put("b", "k", std::string(1000, 'v')).ok());
    needed = engine.usage().bytes;
  }
  {
    MemoryEngine engine(needed);
    ASSERT_TRUE(engine.create("b").ok());
    EXPECT_TRUE(engine.put("b", "k", std::string(1000, 'v')).ok());
    EXPECT_EQ(engine.usage().bytes, engine.usage().bytes_max);
    EXPECT_EQ(engine.put("b", "l", "").code(), StatusCode::kFull);
    EXPECT_EQ(engine.create("c").code(), StatusCode::kFull);
    EXPECT_TRUE(engine.create("b").ok()) << "it is there already";
    EXPECT_EQ(engine.usage().bytes, needed);
  }
  MemoryEngine engine(needed - 1);
  ASSERT_TRUE(engine.create("b").ok());
  const auto before = engine.usage().bytes;
  const auto status = engine.put("b", "k", std::string(1000, 'v'));
  EXPECT_EQ(status.code(), StatusCode::kFull);
  EXPECT_NE(status.text().find(std::to_string(before)), std::string::npos) << status.text();
  EXPECT_NE(status.text().find(std::to_string(needed - 1)), std::string::npos) << status.text();
  EXPECT_EQ(engine.usage().bytes, before) << "what is refused changes nothing";
  EXPECT_EQ(*engine.count("b"), 0U);
}

TEST(MemoryEngine, AFullEngineReadsErasesAndReplaces) {
  // All sizes of tables: with some the last key fits just before the table would grow.
  for (std::uint64_t bytes_max = 4000; bytes_max < 40000; bytes_max += 997) {
    SCOPED_TRACE(bytes_max);
    MemoryEngine engine(bytes_max);
    ASSERT_TRUE(engine.create("b").ok());
    const auto count = fill(engine, "b", "0123456789abcdef");
    ASSERT_GT(count, 20U);
    EXPECT_LE(engine.usage().bytes, bytes_max);
    const auto last = numbered("key", 1'000'000 + count - 1);
    EXPECT_EQ(value_of(engine, "b", last), "0123456789abcdef");
    EXPECT_TRUE(engine.put("b", last, "fedcba9876543210").ok()) << "of equal size";
    EXPECT_TRUE(engine.put("b", last, "short").ok()) << "smaller";
    EXPECT_EQ(engine.put("b", last, std::string(5000, 'v')).code(), StatusCode::kFull);
    EXPECT_EQ(value_of(engine, "b", last), "short") << "what is refused changes nothing";
    for (std::uint64_t i = 0; i < 3 * count; ++i) {
      // What was erased makes room for as much, always.
      ASSERT_TRUE(engine.erase("b", numbered("key", 1'000'000 + i)).ok());
      ASSERT_TRUE(engine.put("b", numbered("key", 1'000'000 + count + i), "0123456789abcdef").ok());
    }
    EXPECT_TRUE(engine.drop("b").ok());
    EXPECT_EQ(engine.usage().bytes, 0U);
  }
}

TEST(MemoryEngine, AMillionSmallPairsCountWithLessThanAHundredBytesEach) {
  MemoryEngine engine(kPlenty);
  ASSERT_TRUE(engine.create("b").ok());
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(engine.put("b", numbered("key-00000", 1'000'000 + i), "0123456789abcdef").ok());
  }
  EXPECT_LT(engine.usage().bytes, 100'000U * 100);
  EXPECT_GT(engine.usage().bytes, 100'000U * (32 + 9)) << "at the least the bytes and their slots";
}

using Model = std::map<std::string, std::map<std::string, std::string>>;

void expect_equal(MemoryEngine& engine, const Model& model) {
  std::uint64_t keys = 0;
  std::vector<std::string> buckets;
  for (const auto& [bucket, pairs] : model) {
    buckets.push_back(bucket);
    keys += pairs.size();
    EXPECT_EQ(*engine.count(bucket), pairs.size());
    std::vector<std::string> names;
    for (const auto& [key, value] : pairs) {
      names.push_back(key);
      EXPECT_EQ(value_of(engine, bucket, key), value);
    }
    EXPECT_EQ(all_keys(engine, bucket, 5), names);
  }
  EXPECT_EQ(engine.list_buckets({std::nullopt, 1000, 1 << 20})->names, buckets);
  EXPECT_EQ(engine.usage().buckets, model.size());
  EXPECT_EQ(engine.usage().keys, keys);
}

// The same random operation on the engine and on the model; both must answer the same.
void step(MemoryEngine& engine, Model& model, std::mt19937_64& random) {
  const auto pick = [&](std::uint64_t below) { return random() % below; };
  const auto bucket = numbered("b", pick(20));
  const auto key = numbered("k", pick(200));
  const auto there = model.find(bucket);
  const auto expected = there == model.end() ? StatusCode::kNotFound : StatusCode::kOk;
  const auto action = pick(100);
  if (action < 5) {
    EXPECT_TRUE(engine.create(bucket).ok());
    model[bucket];
  } else if (action < 6) {
    EXPECT_EQ(engine.drop(bucket).code(), expected);
    model.erase(bucket);
  } else if (action < 60) {
    const std::string value(pick(10) == 0 ? pick(5000) : pick(40), static_cast<char>(pick(256)));
    EXPECT_EQ(engine.put(bucket, key, value).code(), expected);
    if (there != model.end()) there->second[key] = value;
  } else if (action < 95) {
    EXPECT_EQ(engine.erase(bucket, key).code(), expected);
    if (there != model.end()) there->second.erase(key);
  } else if (there != model.end()) {
    const auto pair = there->second.find(key);
    const auto value = value_of(engine, bucket, key);
    EXPECT_EQ(value, pair == there->second.end() ? std::nullopt : std::optional(pair->second));
  }
}

TEST(MemoryEngine, RandomOperationsAnswerAsAMapDoes) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  MemoryEngine engine(kPlenty);
  Model model;
  for (int i = 0; i < 100'000; ++i) {
    step(engine, model, random);
    if (i % 10'000 == 0) expect_equal(engine, model);
    if (testing::Test::HasFailure()) FAIL() << "after step " << i;
  }
  expect_equal(engine, model);
  for (const auto& [bucket, pairs] : model) ASSERT_TRUE(engine.drop(bucket).ok());
  EXPECT_EQ(engine.usage().bytes, 0U);
}

}  // namespace
}  // namespace kvmesh::store
