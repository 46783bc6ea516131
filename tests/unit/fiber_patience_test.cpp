// Bodies that are left to the workers that are awake, and bodies that start together.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>

#include "tests/unit/fiber_fixture.h"

namespace kvmesh::tasks {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

// Each body waits, on its worker, until all others run.
void run_together(FiberPool& pool, std::size_t bodies) {
  std::atomic<std::size_t> running = 0;
  for (std::size_t i = 0; i < bodies; ++i) {
    start(pool, [&] {
      ++running;
      await([&] { return running == bodies; });
    });
  }
  pool.hurry();
  await_ended(pool);
}

TEST(FiberPatience, HurryWakesAsManyWorkersAsThereIsWorkFor) {
  FiberPool pool({.workers = 4, .patience = hours{1}});
  for (int i = 0; i < 20; ++i) run_together(pool, 4);
}

TEST(FiberPatience, PatienceComesBackWhenTheQueueHasBeenEmpty) {
  FiberPool pool({.workers = 3, .patience = hours{1}, .busy_poll = microseconds{50}});
  for (std::size_t bodies = 1; bodies <= 3; ++bodies) run_together(pool, bodies);
  for (std::size_t bodies = 3; bodies > 0; --bodies) run_together(pool, bodies);
}

TEST(FiberPatience, WhatHasWaitedForLongerWakesAnotherByItself) {
  FiberPool pool({.workers = 2, .patience = microseconds{1}});
  std::atomic<bool> other_runs = false;
  std::atomic<bool> done = false;
  start(pool, [&] { await([&] { return done.load(); }); });
  start(pool, [&] { other_runs = true; });
  // Each push finds that the first in the queue is late. The other may need a while to get up.
  await([&] {
    if (pool.counts().waiting_to_begin < 1000) start(pool, [] {});
    return other_runs.load();
  });
  done = true;
  await_ended(pool);
}

TEST(FiberPatience, AFiberThatIsWokenNeedsNoHurryWhenAllWorkersSleep) {
  FiberPool pool({.workers = 2, .patience = hours{1}});
  FiberRef fiber;
  start(pool, [&] {
    fiber = FiberPool::current();
    FiberPool::park();
  });
  await_parked(pool, 1);
  FiberPool::unpark(fiber);
  await_ended(pool);
}

TEST(FiberBatch, NothingBeginsBeforeTheFlush) {
  FiberPool pool({.workers = 2});
  std::atomic<int> ran = 0;
  FiberPool::Batch batch{pool};
  for (int i = 0; i < 10; ++i) ASSERT_EQ(batch.start([&] { ++ran; }), Status{});
  EXPECT_EQ(pool.counts().waiting_to_begin, 10U);
  EXPECT_EQ(pool.counts().existing, 10U);
  EXPECT_EQ(ran, 0);
  batch.flush();
  await_ended(pool);
  EXPECT_EQ(ran, 10);
}

TEST(FiberBatch, WhatItHoldsCountsForTheLimits) {
  FiberPool pool({.workers = 1, .queue_max = 3, .fibers_max = 5});
  std::atomic<int> ran = 0;
  {
    FiberPool::Batch batch{pool};
    for (int i = 0; i < 3; ++i) ASSERT_EQ(batch.start([&] { ++ran; }), Status{});
    EXPECT_EQ(batch.start([&] { ++ran; }).code(), StatusCode::kOverloaded);
    EXPECT_EQ(pool.start([&] { ++ran; }).code(), StatusCode::kOverloaded);
  }
  await_ended(pool);
  EXPECT_EQ(ran, 3);
  EXPECT_EQ(pool.counts().waiting_to_begin, 0U);
}

}  // namespace
}  // namespace kvmesh::tasks
