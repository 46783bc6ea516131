// Fibers: starting, waiting, waking, limits and the end of a pool; also run under ThreadSanitizer.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/fiber_fixture.h"

namespace kvmesh::tasks {
namespace {

// ThreadSanitizer takes 8000 fibers and threads at most.
constexpr std::size_t kManyFibers = kSanitized ? 1000 : 10000;

TEST(FiberPool, RunsWhatItIsGiven) {
  std::atomic<int> sum = 0;
  {
    FiberPool pool({});
    for (int i = 1; i <= 1000; ++i) start(pool, [&sum, i] { sum += i; });
    await_ended(pool);
    EXPECT_EQ(pool.counts().waiting_to_begin, 0U);
    EXPECT_EQ(pool.counts().parked, 0U);
  }
  EXPECT_EQ(sum, 500500);
}

TEST(FiberPool, FibersStartFibers) {
  std::atomic<int> leaves = 0;
  {
    FiberPool pool({});
    std::function<void(int)> grow = [&](int height) {
      if (height == 0) {
        ++leaves;
        return;
      }
      for (int i = 0; i < 2; ++i) start(pool, [&grow, height] { grow(height - 1); });
    };
    start(pool, [&grow] { grow(10); });
    await_ended(pool);
  }
  EXPECT_EQ(leaves, 1024);
}

TEST(FiberPool, TheBodyAndItsCapturesAreDestroyedBeforeTheFiberHasEnded) {
  FiberPool pool({});
  auto captured = std::make_shared<int>(1);
  start(pool, [captured] { EXPECT_EQ(*captured, 1); });
  await_ended(pool);
  EXPECT_EQ(captured.use_count(), 1);
}

TEST(FiberPool, CurrentNamesTheFiberThatCalls) {
  FiberRef first;
  FiberRef second;
  {
    FiberPool pool({.workers = 1});
    start(pool, [&] {
      first = FiberPool::current();
      start(pool, [&] { second = FiberPool::current(); });
      FiberPool::yield();
      EXPECT_EQ(FiberPool::current(), first);
    });
  }
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_NE(first, second);
  EXPECT_FALSE(FiberPool::current());
  EXPECT_FALSE(FiberRef{});
}

TEST(FiberPool, AnUnparkBeforeTheParkIsNotLostAndManyAreLikeOne) {
  FiberPool pool({.workers = 1});
  std::atomic<int> passed = 0;
  std::atomic<bool> known = false;
  FiberRef fiber;
  start(pool, [&] {
    fiber = FiberPool::current();
    for (int i = 0; i < 3; ++i) FiberPool::unpark(fiber);
    FiberPool::park();
    ++passed;
    known = true;
    FiberPool::park();
    ++passed;
  });
  await([&] { return known.load(); });
  await_parked(pool, 1);
  EXPECT_EQ(passed, 1);
  FiberPool::unpark(fiber);
  await_ended(pool);
  EXPECT_EQ(passed, 2);
  EXPECT_EQ(pool.counts().parked, 0U);
}

TEST(FiberPool, AFiberThatWaitsGivesItsWorkerToOthers) {
  std::string order;
  {
    FiberPool pool({.workers = 1});
    start(pool, [&] {
      const FiberRef waiter = FiberPool::current();
      start(pool, [&order, waiter] {
        order += "b";
        FiberPool::unpark(waiter);
        order += "c";
      });
      order += "a";
      FiberPool::park();
      order += "d";
    });
  }
  EXPECT_EQ(order, "abcd");
}

TEST(FiberPool, WhatIsReadyRunsFirstComeFirstServed) {
  std::string order;
  {
    FiberPool pool({.workers = 1});
    start(pool, [&] {  // keeps the only worker until the others are queued
      for (const char name : {'a', 'b', 'c'}) {
        start(pool, [&order, name] {
          for (int round = 0; round < 3; ++round) {
            order += name;
            FiberPool::yield();
          }
        });
      }
    });
  }
  EXPECT_EQ(order, "abcabcabc");
}

TEST(FiberPool, YieldReturnsWhenNothingElseIsReady) {
  int rounds = 0;
  {
    FiberPool pool({.workers = 1});
    start(pool, [&] {
      for (; rounds < 100; ++rounds) FiberPool::yield();
    });
  }
  EXPECT_EQ(rounds, 100);
}

// std::this_thread::get_id() for code that may have changed threads: the compiler would ask once
// and use the answer throughout the function.
[[gnu::noinline]] std::thread::id this_thread() {
  asm volatile("");
  return std::this_thread::get_id();
}

TEST(FiberPool, AFiberGoesOnWhicheverWorkerIsFree) {
  FiberPool pool({.workers = 2});
  std::barrier both(2);
  std::latch blocked(1);
  std::latch release(1);
  FiberRef waiter;
  std::thread::id before;
  std::thread::id after;
  start(pool, [&] {
    both.arrive_and_wait();  // each has a worker of its own
    before = this_thread();
    waiter = FiberPool::current();
    FiberPool::park();
    after = this_thread();
    release.count_down();
  });
  start(pool, [&] {
    both.arrive_and_wait();
    await_parked(pool, 1);
    start(pool, [&] {  // takes the worker that the first has left
      blocked.count_down();
      release.wait();
    });
    blocked.wait();
    FiberPool::unpark(waiter);
  });
  await_ended(pool);
  EXPECT_NE(before, after);
}

TEST(FiberPool, ManyFibersEachWokenByOtherThreads) {
  struct Waiter {
    std::atomic<bool> known = false;
    std::atomic<bool> may_go = false;
    FiberRef fiber;
  };
  std::vector<Waiter> waiters(kManyFibers);
  std::atomic<std::size_t> gone = 0;
  FiberPool pool({.queue_max = kManyFibers});
  for (auto& waiter : waiters) {
    start(pool, [&] {
      waiter.fiber = FiberPool::current();
      waiter.known = true;
      while (!waiter.may_go) FiberPool::park();
      ++gone;
    });
  }
  constexpr std::size_t kThreads = 4;
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t i = thread; i < waiters.size(); i += kThreads) {
          await([&] { return waiters[i].known.load(); });
          waiters[i].may_go = true;
          FiberPool::unpark(waiters[i].fiber);
        }
      });
    }
  }
  await_ended(pool);
  EXPECT_EQ(gone, kManyFibers);
  EXPECT_EQ(pool.counts().parked, 0U);
}

// Two wake the same fiber at the same time, and each expects what it wrote before to be seen:
// nobody wakes it again in that round.
TEST(FiberPool, NeitherOfTwoWakersIsMissed) {
  constexpr int kRounds = kSanitized ? 500 : 5000;
  std::array<std::atomic<int>, 2> written{};
  std::array<std::atomic<int>, 2> seen{};
  std::atomic<bool> known = false;
  FiberRef fiber;
  FiberPool pool({.workers = 2});
  start(pool, [&] {
    fiber = FiberPool::current();
    known = true;
    for (bool all = false; !all;) {
      FiberPool::park();
      all = true;
      for (std::size_t i = 0; i < written.size(); ++i) {
        const int found = written[i].load(std::memory_order_relaxed);
        seen[i].store(found, std::memory_order_relaxed);
        all = all && found == kRounds;
      }
    }
  });
  await([&] { return known.load(); });
  std::barrier together(static_cast<std::ptrdiff_t>(written.size()));
  {
    std::vector<std::jthread> wakers;
    for (std::size_t i = 0; i < written.size(); ++i) {
      wakers.emplace_back([&, i] {
        for (int round = 1; round <= kRounds; ++round) {
          together.arrive_and_wait();
          written[i].store(round, std::memory_order_relaxed);
          FiberPool::unpark(fiber);
          await([&] { return seen[i].load(std::memory_order_relaxed) >= round; });
        }
      });
    }
  }
  await_ended(pool);
}

TEST(FiberPool, AllWorkersAreWokenWhenThereIsEnoughToDo) {
  constexpr std::size_t kWorkers = 4;
  FiberPool pool({.workers = kWorkers});
  for (int round = 0; round < 200; ++round) {
    std::barrier all(kWorkers);  // passed only when each of these bodies has a worker
    for (std::size_t i = 0; i < kWorkers; ++i) start(pool, [&all] { all.arrive_and_wait(); });
    await_ended(pool);
  }
}

TEST(FiberPool, RefusesWhatTheQueueDoesNotHold) {
  FiberPool pool({.workers = 1, .queue_max = 3});
  std::latch running(1);
  std::latch release(1);
  std::atomic<int> ran = 0;
  start(pool, [&] {
    running.count_down();
    release.wait();
  });
  running.wait();
  for (int i = 0; i < 3; ++i) start(pool, [&ran] { ++ran; });
  EXPECT_EQ(pool.counts().waiting_to_begin, 3U);

  const Status refused = pool.start([&ran] { ran += 1000; });
  EXPECT_EQ(refused.code(), StatusCode::kOverloaded);
  EXPECT_NE(refused.text().find("3 wait to begin on 1 workers"), std::string::npos)
      << refused.text();
  EXPECT_EQ(pool.counts().existing, 4U);

  release.count_down();
  await_ended(pool);
  EXPECT_EQ(ran, 3);
  start(pool, [&ran] { ++ran; });
  await_ended(pool);
  EXPECT_EQ(ran, 4);
}

TEST(FiberPool, RefusesMoreFibersThanMayExist) {
  FiberPool pool({.workers = 1, .fibers_max = 2});
  std::array<FiberRef, 2> fibers;
  for (auto& fiber : fibers) {
    start(pool, [&fiber] {
      fiber = FiberPool::current();
      FiberPool::park();
    });
  }
  await_parked(pool, 2);

  const Status refused = pool.start([] { FAIL() << "was refused"; });
  EXPECT_EQ(refused.code(), StatusCode::kOverloaded);
  EXPECT_NE(refused.text().find("2 of at most 2 exist"), std::string::npos) << refused.text();

  FiberPool::unpark(fibers[0]);
  await([&] { return pool.counts().existing == 1; });
  std::atomic<bool> ran = false;
  start(pool, [&ran] { ran = true; });
  await([&] { return pool.counts().existing == 1; });
  EXPECT_TRUE(ran);
  FiberPool::unpark(fibers[1]);
}

TEST(FiberPool, ALateUnparkDoesNothingToTheFiberThatCameAfter) {
  FiberPool pool({.workers = 1});
  FiberRef ended;
  start(pool, [&] { ended = FiberPool::current(); });
  await_ended(pool);
  FiberPool::unpark(ended);
  FiberPool::unpark({});

  std::atomic<FiberRef*> next = nullptr;
  FiberRef fiber;
  std::atomic<bool> went_on = false;
  start(pool, [&] {  // on the stack and in the control block of the first
    fiber = FiberPool::current();
    FiberPool::unpark(ended);  // while it runs
    next = &fiber;
    FiberPool::park();
    went_on = true;
  });
  await([&] { return next != nullptr; });
  await_parked(pool, 1);
  EXPECT_NE(fiber, ended);
  FiberPool::unpark(ended);  // while it waits
  EXPECT_EQ(pool.counts().parked, 1U);
  EXPECT_FALSE(went_on);
  EXPECT_EQ(pool.stack_counts().in_use, 1U);
  FiberPool::unpark(fiber);
  await_ended(pool);
  EXPECT_TRUE(went_on);
}

TEST(FiberPool, TheDestructorWaitsForThoseThatAreStillToBeWoken) {
  std::atomic<int> ended = 0;
  std::jthread waker;
  {
    FiberPool pool({.workers = 2});
    std::array<FiberRef, 100> fibers;
    for (auto& fiber : fibers) {
      start(pool, [&fiber, &ended] {
        fiber = FiberPool::current();
        FiberPool::park();
        FiberPool::yield();
        ++ended;
      });
    }
    await_parked(pool, fibers.size());
    waker = std::jthread{[fibers, &ended] {
      for (int woken = 0; const auto fiber : fibers) {
        FiberPool::unpark(fiber);
        ++woken;
        await([&] { return ended == woken; });  // the workers must not have left
      }
    }};
  }
  EXPECT_EQ(ended, 100);
}

TEST(FiberPool, AnIdlePoolEnds) {
  for (int i = 0; i < 100; ++i) FiberPool pool({.workers = 3});
}

TEST(FiberPoolDeathTest, WaitingOutsideOfAFiberIsADefect) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(FiberPool::park(), "park\\(\\) was called by a thread that runs no fiber");
  EXPECT_DEATH(FiberPool::yield(), "yield\\(\\) was called by a thread that runs no fiber");
}

}  // namespace
}  // namespace kvmesh::tasks
