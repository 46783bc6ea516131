#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <thread>
#include <utility>

#include "node/tasks/fiber_pool.h"
#include "node/tasks/sanitizers.h"

namespace kvmesh::tasks {

/// Returns when `condition` holds; ctest ends a test that waits in vain.
template <typename Condition>
void await(const Condition& condition) {
  while (!condition()) std::this_thread::yield();
}

inline void start(FiberPool& pool, std::function<void()> body) {
  const Status started = pool.start(std::move(body));
  ASSERT_TRUE(started.ok()) << started.to_string();
}

inline void await_parked(const FiberPool& pool, std::size_t fibers) {
  await([&] { return pool.counts().parked == fibers; });
}

inline void await_ended(const FiberPool& pool) {
  await([&] { return pool.counts().existing == 0; });
}

}  // namespace kvmesh::tasks
