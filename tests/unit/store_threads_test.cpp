// Many threads on one memory engine; also run under ThreadSanitizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "node/store/memory_engine.h"

namespace kvmesh::store {
namespace {

constexpr std::uint64_t kNeverFull = std::uint64_t{1} << 30;
constexpr unsigned kThreads = 4;

// Runs `work(thread)` in kThreads threads that begin together.
void run_threads(const std::function<void(unsigned)>& work) {
  std::latch begin(kThreads);
  std::vector<std::jthread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      begin.arrive_and_wait();
      work(thread);
    });
  }
}

TEST(StoreThreads, EachThreadFindsWhatItStoredWhileOthersStore) {
  MemoryEngine engine(kNeverFull);
  constexpr std::uint64_t kKeys = 3000;
  ASSERT_TRUE(engine.create("shared").ok());
  std::atomic<std::uint64_t> wrong = 0;
  run_threads([&](unsigned thread) {
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      const auto key = std::to_string(thread) + "-" + std::to_string(i);
      if (!engine.put("shared", key, key).ok()) ++wrong;
      const auto found = engine.get(
          "shared", key, [&](std::string_view value) { wrong += value == key ? 0U : 1U; });
      if (!found.ok() || !*found) ++wrong;
      if (i % 3 == 0 && !engine.erase("shared", key).ok()) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(*engine.count("shared"), kThreads * (kKeys - kKeys / 3));
  EXPECT_EQ(engine.usage().keys, kThreads * (kKeys - kKeys / 3));
}

TEST(StoreThreads, AReaderNeverSeesHalfAValue) {
  MemoryEngine engine(kNeverFull);
  ASSERT_TRUE(engine.create("b").ok());
  ASSERT_TRUE(engine.put("b", "k", std::string(64, 'a')).ok());
  std::atomic<std::uint64_t> torn = 0;
  run_threads([&](unsigned thread) {
    for (unsigned i = 0; i < 5000; ++i) {
      if (thread % 2 == 0) {
        // Of equal size, overwritten in place, and of another one.
        const std::string value(i % 4 == 0 ? 4000 : 64, static_cast<char>('a' + (i + thread) % 26));
        if (!engine.put("b", "k", value).ok()) ++torn;
      } else {
        const auto found = engine.get("b", "k", [&](std::string_view value) {
          const auto same = [&](char c) { return c == value.front(); };
          if (value.empty() || !std::ranges::all_of(value, same)) ++torn;
        });
        if (!found.ok() || !*found) ++torn;
      }
    }
  });
  EXPECT_EQ(torn, 0U);
}

TEST(StoreThreads, AnythingAtOnceLeavesNothingBehind) {
  MemoryEngine engine(kNeverFull);
  std::atomic<std::uint64_t> unexpected = 0;
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  run_threads([&](unsigned thread) {
    std::mt19937 random(seed + thread);
    for (int i = 0; i < 5000; ++i) {
      const auto bucket = "b" + std::to_string(random() % 8);
      const auto key = "k" + std::to_string(random() % 100);
      Status status;
      switch (random() % 16) {
        case 0:
          status = engine.create(bucket);
          break;
        case 1:
          status = engine.drop(bucket);
          break;
        case 2:
          status = engine.list_keys(bucket, {key, 10, 1000}).status();
          break;
        case 3:
          status = engine.list_buckets({bucket, 10, 1000}).status();
          break;
        case 4:
          status = engine.count(bucket).status();
          break;
        case 5:
          (void)engine.usage();
          break;
        case 6:
        case 7:
          status = engine.erase(bucket, key);
          break;
        case 8:
        case 9:
          status = engine.get(bucket, key, [](std::string_view) {}).status();
          break;
        default:
          status = engine.put(bucket, key, std::string(random() % 100, 'v'));
          break;
      }
      if (!status.ok() && status.code() != StatusCode::kNotFound) ++unexpected;
    }
  });
  EXPECT_EQ(unexpected, 0U);
  const auto left = engine.list_buckets({std::nullopt, 100, 10000});
  for (const auto& bucket : left->names) ASSERT_TRUE(engine.drop(bucket).ok());
  EXPECT_EQ(engine.usage().bytes, 0U);
  EXPECT_EQ(engine.usage().keys, 0U);
  EXPECT_EQ(engine.usage().buckets, 0U);
}

TEST(StoreThreads, TogetherTheyStayWithinTheBound) {
  constexpr std::uint64_t kBytesMax = 100'000;  // less than one thread alone writes
  MemoryEngine engine(kBytesMax);
  std::atomic<std::uint64_t> most = 0;
  std::atomic<std::uint64_t> wrong = 0;
  std::atomic<std::uint64_t> refused = 0;
  const auto bucket_of = [](unsigned thread) { return "b" + std::to_string(thread); };
  // Before there is anything in them: the first threads may leave the last one no room.
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    ASSERT_EQ(engine.create(bucket_of(thread)), Status{});
  }
  run_threads([&](unsigned thread) {
    const auto bucket = bucket_of(thread);
    std::uint64_t seen = 0;
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 1000; ++i) {
        const auto status = engine.put(bucket, std::to_string(i), std::string(100, 'v'));
        seen = std::max(seen, engine.usage().bytes);
        if (status.code() == StatusCode::kFull) ++refused;
        if (!status.ok() && status.code() != StatusCode::kFull) ++wrong;
      }
      for (int i = 0; i < 1000; ++i) {
        if (!engine.erase(bucket, std::to_string(i)).ok()) ++wrong;
      }
    }
    auto before = most.load();
    while (before < seen && !most.compare_exchange_weak(before, seen)) {
    }
  });
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(refused, 0U) << "the bound was never reached";
  EXPECT_GT(most, kBytesMax / 2);
  EXPECT_LE(most, kBytesMax + kThreads * 300);
}

}  // namespace
}  // namespace kvmesh::store
