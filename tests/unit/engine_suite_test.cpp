// What every engine must do, whatever it keeps its buckets in and whenever it answers.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/engine_suite.h"

namespace kvmesh::store {
namespace {

using std::chrono::milliseconds;

TYPED_TEST_SUITE(EngineSuite, Engines);

TYPED_TEST(EngineSuite, StoresReadsCountsAndRemoves) {
  auto& on = *this->driver_;
  EXPECT_EQ(on.execute(op::create("b")), EndedOp{});
  EXPECT_EQ(on.execute(op::get("b", "k")), EndedOp{}) << "no value";
  EXPECT_EQ(on.execute(op::put("b", "k", "v")), EndedOp{});
  EXPECT_EQ(on.execute(op::put("b", "", "of the empty key")), EndedOp{});
  EXPECT_EQ(on.execute(op::get("b", "k")).value, "v");
  EXPECT_EQ(on.execute(op::put("b", "k", "")), EndedOp{});
  EXPECT_EQ(on.execute(op::get("b", "k")).value, "") << "an empty value is no missing key";
  EXPECT_EQ(on.execute(op::count("b")).count, 2U);
  EXPECT_EQ(on.execute(op::create("b")), EndedOp{}) << "it exists already";
  EXPECT_EQ(on.execute(op::count("b")).count, 2U);
  EXPECT_EQ(on.execute(op::erase("b", "k")), EndedOp{});
  EXPECT_EQ(on.execute(op::erase("b", "k")), EndedOp{}) << "it is gone already";
  EXPECT_EQ(on.execute(op::get("b", "k")), EndedOp{});
  EXPECT_EQ(on.execute(op::count("b")).count, 1U);
  EXPECT_EQ(this->engine_->usage().keys, 1U);
  EXPECT_EQ(this->engine_->usage().buckets, 1U);
  EXPECT_EQ(on.execute(op::drop("b")), EndedOp{});
  EXPECT_EQ(this->engine_->usage().keys, 0U);
  EXPECT_EQ(this->engine_->usage().buckets, 0U);
}

TYPED_TEST(EngineSuite, BucketsAreCountedByTheirFirstByte) {
  auto& on = *this->driver_;
  const auto buckets_of = [&](char byte) {
    return this->engine_->buckets_by_byte()[static_cast<unsigned char>(byte)];
  };
  for (const auto* name : {"a", "ab", "b", "\xff", "a"}) on.execute(op::create(name));
  on.execute(op::drop("c"));
  EXPECT_EQ(buckets_of('a'), 2U) << "one was there already";
  EXPECT_EQ(buckets_of('b'), 1U);
  EXPECT_EQ(buckets_of('c'), 0U);
  EXPECT_EQ(buckets_of('\xff'), 1U);
  on.execute(op::drop("ab"));
  EXPECT_EQ(buckets_of('a'), 1U);
}

TYPED_TEST(EngineSuite, ABucketThatIsNotThereIsNotFound) {
  for (const auto& op : {op::drop("b"), op::put("b", "k", "v"), op::get("b", "k"),
                         op::erase("b", "k"), op::count("b"), op::keys("b", {{}, 10, 100})}) {
    EXPECT_EQ(this->code(op), StatusCode::kNotFound);
  }
  EXPECT_EQ(this->code(op::buckets({{}, 10, 100})), StatusCode::kOk);
}

TYPED_TEST(EngineSuite, WhatComesTogetherIsExecutedInItsOrder) {
  const auto ended = this->driver_->execute(
      {op::get("b", "k"), op::create("b"), op::get("b", "k"), op::put("b", "k", "1"),
       op::get("b", "k"), op::put("b", "k", "2"), op::get("b", "k"), op::erase("b", "k"),
       op::get("b", "k"), op::put("b", "k", "3"), op::count("b"), op::drop("b"),
       op::put("b", "k", "4"), op::create("b"), op::get("b", "k")});
  const std::vector<std::optional<EndedOp>> expected = {EndedOp{StatusCode::kNotFound},
                                                        EndedOp{},
                                                        EndedOp{},
                                                        EndedOp{},
                                                        EndedOp{StatusCode::kOk, "1"},
                                                        EndedOp{},
                                                        EndedOp{StatusCode::kOk, "2"},
                                                        EndedOp{},
                                                        EndedOp{},
                                                        EndedOp{},
                                                        EndedOp{StatusCode::kOk, std::nullopt, 1},
                                                        EndedOp{},
                                                        EndedOp{StatusCode::kNotFound},
                                                        EndedOp{},
                                                        EndedOp{}};
  EXPECT_EQ(ended, expected);
}

TYPED_TEST(EngineSuite, WhatIsSubmittedLaterIsExecutedLater) {
  auto& on = *this->driver_;
  on.submit({op::create("b"), op::put("b", "k", "1")});
  on.submit({op::put("b", "k", "2"), op::get("b", "k")});
  on.finish();
  ASSERT_EQ(on.ended().size(), 4U);
  ASSERT_TRUE(on.ended()[3]);
  EXPECT_EQ(on.ended()[3]->value, "2");
}

TYPED_TEST(EngineSuite, NamesAndValuesAreKeptWhateverTheirMemoryDoes) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  std::string bucket = bytes, key = bytes + "k", value = bytes + "v";
  this->driver_->submit({op::create(bucket), op::put(bucket, key, value)});
  for (auto* text : {&bucket, &key, &value}) std::ranges::fill(*text, 'x');
  this->driver_->finish();
  EXPECT_EQ(this->driver_->execute(op::get(bytes, bytes + "k")).value, bytes + "v");
}

TYPED_TEST(EngineSuite, AnyNumberComesTogether) {
  std::vector<Op> ops{op::create("b")};
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(std::to_string(100 + i));
  for (const auto& key : keys) ops.push_back(op::put("b", key, key));
  for (const auto& key : keys) ops.push_back(op::get("b", key));
  const auto ended = this->driver_->execute(ops);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_TRUE(ended[1 + keys.size() + i]);
    EXPECT_EQ(ended[1 + keys.size() + i]->value, keys[i]);
  }
  EXPECT_TRUE(this->driver_->execute(std::vector<Op>{}).empty());
}

TYPED_TEST(EngineSuite, PagesFollowEachOtherInOrder) {
  auto& on = *this->driver_;
  for (const auto* bucket : {"b", "a", "c"}) on.execute(op::create(bucket));
  for (const auto* key : {"c", "a", "e", "b", "d"}) on.execute(op::put("b", key, "v"));
  using Names = std::vector<std::string>;
  EXPECT_EQ(on.execute(op::keys("b", {{}, 2, 100})),
            (EndedOp{StatusCode::kOk, {}, {}, Page{Names{"a", "b"}, true}}));
  EXPECT_EQ(on.execute(op::keys("b", {"b", 3, 100})),
            (EndedOp{StatusCode::kOk, {}, {}, Page{Names{"c", "d", "e"}, false}}));
  EXPECT_EQ(on.execute(op::keys("b", {"bb", 10, 2})),
            (EndedOp{StatusCode::kOk, {}, {}, Page{Names{"c", "d"}, true}}));
  EXPECT_EQ(on.execute(op::buckets({"a", 1, 100})),
            (EndedOp{StatusCode::kOk, {}, {}, Page{Names{"b"}, true}}));
  EXPECT_EQ(this->names(op::buckets({{}, 10, 100})), (Names{"a", "b", "c"}));
  EXPECT_TRUE(this->names(op::keys("b", {"e", 10, 100})).empty());
}

// More keys than are looked at in one go.
TYPED_TEST(EngineSuite, APageOfALargeBucketIsComplete) {
  auto& on = *this->driver_;
  on.execute(op::create("b"));
  constexpr int kKeys = 30'000;
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_EQ(this->code(op::put("b", std::to_string(100'000 + i), "")), StatusCode::kOk);
  }
  EXPECT_EQ(this->names(op::keys("b", {"120000", 2, 1000})),
            (std::vector<std::string>{"120001", "120002"}));
}

TYPED_TEST(EngineSuite, AFullEngineChangesNothingAndServesTheRest) {
  this->make_engine(200'000);
  auto& on = *this->driver_;
  on.execute(op::create("b"));
  const std::string value(1000, 'v');
  int stored = 0;
  while (stored < 1000 &&
         this->code(op::put("b", std::to_string(stored), value)) == StatusCode::kOk) {
    ++stored;
  }
  ASSERT_GT(stored, 100);
  ASSERT_LT(stored, 200);
  EXPECT_EQ(on.execute(op::get("b", std::to_string(stored))), EndedOp{});
  EXPECT_EQ(on.execute(op::put("b", "0", std::string(1000, 'w'))), EndedOp{}) << "of equal size";
  EXPECT_EQ(on.execute(op::count("b")).count, static_cast<std::uint64_t>(stored));
  EXPECT_EQ(on.execute(op::erase("b", "1")), EndedOp{});
  EXPECT_EQ(on.execute(op::put("b", "again", value)), EndedOp{});
}

TYPED_TEST(EngineSuite, RandomBatchesAnswerAsAMapDoes) {
  auto& on = *this->driver_;
  std::map<std::string, std::map<std::string, std::string>> model;
  std::mt19937_64 random{11};
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const auto any = [&]() -> const std::string& { return names[random() % names.size()]; };
  std::deque<std::string> values;
  for (int round = 0; round < 300; ++round) {
    std::vector<Op> ops;
    std::vector<std::optional<EndedOp>> expected;
    for (auto left = random() % 20; left > 0; --left) {
      const auto& bucket = any();
      const auto& key = any();
      const auto found = model.find(bucket);
      const auto choice = random() % 10;
      EndedOp must;
      if (choice == 0) {
        ops.push_back(op::create(bucket));
        model[bucket];
      } else if (found == model.end()) {
        ops.push_back(choice < 5 ? op::get(bucket, key) : op::put(bucket, key, "v"));
        must.code = StatusCode::kNotFound;
      } else if (choice == 1 && random() % 4 == 0) {
        ops.push_back(op::drop(bucket));
        model.erase(found);
      } else if (choice < 5) {
        ops.push_back(op::put(bucket, key, values.emplace_back(std::to_string(random()))));
        found->second[key] = values.back();
      } else if (choice < 8) {
        ops.push_back(op::get(bucket, key));
        if (found->second.contains(key)) must.value = found->second[key];
      } else if (choice == 8) {
        ops.push_back(op::erase(bucket, key));
        found->second.erase(key);
      } else {
        ops.push_back(op::count(bucket));
        must.count = found->second.size();
      }
      expected.emplace_back(std::move(must));
    }
    ASSERT_EQ(on.execute(ops), expected) << "round " << round;
  }
}

}  // namespace
}  // namespace kvmesh::store
