// The engine that keeps buckets in memory: 100 buckets, in all so many keys as the case says.

#include "client/bench/workload.h"
#include "node/store/memory_engine.h"
#include "tests/bench/micro/measure.h"

namespace kvmesh::bench {
namespace {

constexpr std::uint64_t kBuckets = 100;

WorkloadOptions options_for(std::int64_t keys) {
  WorkloadOptions options;
  options.buckets = kBuckets;
  options.keys = static_cast<std::uint64_t>(keys) / kBuckets;
  return options;
}

struct Filled {
  explicit Filled(std::int64_t keys) : workload(options_for(keys)) {
    for (std::uint64_t i = 0; i < kBuckets; ++i) (void)engine.create(workload.create(i).bucket);
    for (std::uint64_t i = 0; i < workload.all_keys(); ++i) put(i);
  }
  void put(std::uint64_t number) {
    const auto operation = workload.put(number);
    const auto status = engine.put(operation.bucket, operation.key, operation.value);
    if (!status.ok()) std::abort();
  }
  store::MemoryEngine engine{std::uint64_t{8} << 30U};
  Workload workload;
  Random random{1};
};

void store_put(benchmark::State& state) {
  Filled filled{state.range(0)};
  measure(state, [&] { filled.put(filled.random.below(filled.workload.all_keys())); });
}
BENCHMARK(store_put)->Arg(1000)->Arg(1000000);

void store_get(benchmark::State& state) {
  Filled filled{state.range(0)};
  measure(state, [&] {
    const auto wanted = filled.workload.get(filled.random.below(filled.workload.all_keys()));
    const auto found = filled.engine.get(wanted.bucket, wanted.key, [](std::string_view value) {
      benchmark::DoNotOptimize(value.data());
    });
    if (!found.ok() || !*found) std::abort();
  });
}
BENCHMARK(store_get)->Arg(1000)->Arg(1000000);

}  // namespace
}  // namespace kvmesh::bench
