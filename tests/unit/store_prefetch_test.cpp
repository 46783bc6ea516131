// Hints to the processor: nothing can be seen of them but the time.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "node/store/memory_engine.h"

namespace kvmesh::store {
namespace {

constexpr std::uint64_t kPrefetchStoreBytes = 1 << 20;

TEST(StorePrefetch, ChangesNothingWhateverIsThere) {
  for (const auto use : {MemoryEngine::Use::kThreads, MemoryEngine::Use::kOneThread}) {
    MemoryEngine engine(kPrefetchStoreBytes, use);
    ASSERT_TRUE(engine.create("shopping").ok());
    ASSERT_TRUE(engine.create("empty").ok());
    ASSERT_TRUE(engine.put("shopping", "milk", "1").ok());
    const auto before = engine.usage();
    for (const auto* bucket : {"shopping", "empty", "none", ""}) {
      for (const auto* key : {"milk", "eggs", ""}) {
        engine.prefetch_place(bucket, key);
        engine.prefetch_record(bucket, key);
      }
    }
    std::string value;
    const auto found = engine.get("shopping", "milk", [&](std::string_view seen) { value = seen; });
    EXPECT_TRUE(found && *found);
    EXPECT_EQ(value, "1");
    EXPECT_EQ(engine.usage().bytes, before.bytes);
    EXPECT_EQ(engine.usage().keys, 1U);
  }
}

}  // namespace
}  // namespace kvmesh::store
