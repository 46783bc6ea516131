#pragma once

#include <benchmark/benchmark.h>

#include "tests/bench/micro/allocations.h"

namespace kvmesh::bench {

/// Runs `operation` as often as Google Benchmark wants, after a first time that may allocate what
/// is kept, and adds the column "allocs": allocations for each operation.
template <typename Operation>
void measure(benchmark::State& state, Operation operation) {
  operation();
  const auto before = allocations();
  for (auto _ : state) operation();
  state.counters["allocs"] = benchmark::Counter(static_cast<double>(allocations() - before),
                                                benchmark::Counter::kAvgIterations);
}

}  // namespace kvmesh::bench
