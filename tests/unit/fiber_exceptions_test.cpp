// Exceptions on fibers: what the language keeps for each thread must go with the fiber.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/fiber_fixture.h"

namespace kvmesh::tasks {
namespace {

TEST(FiberExceptions, AreThrownAndCaughtOnTheFiber) {
  std::string caught;
  {
    FiberPool pool({});
    start(pool, [&caught] {
      try {
        throw std::runtime_error("no milk");
      } catch (const std::exception& error) {
        caught = error.what();
      }
    });
  }
  EXPECT_EQ(caught, "no milk");
}

// All are in a catch block at once on few threads, wait there in turns, and find their own again.
TEST(FiberExceptions, EachFiberKeepsTheOneThatItHandlesWhileItWaits) {
  for (const std::size_t workers : {1U, 3U}) {
    constexpr int kFibers = 50;
    constexpr int kRounds = 10;
    std::atomic<int> right = 0;
    {
      FiberPool pool({.workers = workers});
      for (int i = 0; i < kFibers; ++i) {
        start(pool, [&right, i] {
          try {
            try {
              throw std::runtime_error(std::to_string(i));
            } catch (const std::runtime_error&) {
              for (int round = 0; round < kRounds; ++round) {
                FiberPool::yield();
                // Another, handled and gone, on top of the one that is being handled.
                try {
                  throw int{round};
                } catch (int number) {
                  FiberPool::yield();
                  if (number == round) ++right;
                }
              }
              throw;
            }
          } catch (const std::runtime_error& again) {
            if (again.what() == std::to_string(i)) ++right;
          }
          if (std::current_exception() == nullptr) ++right;
        });
      }
    }
    EXPECT_EQ(right, kFibers * (kRounds + 2));
  }
}

TEST(FiberExceptions, ParkedInACatchBlockAndRethrownOutOfOrder) {
  constexpr std::size_t kFibers = 4;
  std::array<FiberRef, kFibers> fibers;
  std::vector<std::size_t> rethrown;
  FiberPool pool({.workers = 1});
  for (std::size_t i = 0; i < kFibers; ++i) {
    start(pool, [&, i] {
      try {
        try {
          throw std::size_t{i};
        } catch (std::size_t) {
          fibers[i] = FiberPool::current();
          FiberPool::park();
          throw;
        }
      } catch (std::size_t number) {
        EXPECT_EQ(number, i);
        rethrown.push_back(number);
      }
    });
  }
  await_parked(pool, kFibers);
  const std::vector<std::size_t> order = {2, 0, 3, 1};
  for (std::size_t done = 0; done < kFibers; ++done) {
    FiberPool::unpark(fibers[order[done]]);
    await([&] { return pool.counts().existing == kFibers - done - 1; });
  }
  EXPECT_EQ(rethrown, order);
}

TEST(FiberExceptions, AStackThatUnwindsMayWaitInADestructor) {
  struct WaitsInDestructor {
    FiberRef* fiber;
    int* uncaught;
    explicit WaitsInDestructor(FiberRef* to, int* count) : fiber(to), uncaught(count) {}
    WaitsInDestructor(const WaitsInDestructor&) = delete;
    WaitsInDestructor& operator=(const WaitsInDestructor&) = delete;
    ~WaitsInDestructor() {
      *fiber = FiberPool::current();
      FiberPool::park();
      *uncaught = std::uncaught_exceptions();
    }
  };
  FiberRef fiber;
  int unwinding = -1;
  int other = -1;
  bool caught = false;
  FiberPool pool({.workers = 1});
  start(pool, [&] {
    try {
      const WaitsInDestructor waits{&fiber, &unwinding};
      throw 1;
    } catch (int) {
      caught = true;
    }
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  });
  await_parked(pool, 1);
  start(pool, [&] {
    other = std::uncaught_exceptions();
    FiberPool::unpark(fiber);
  });
  await_ended(pool);
  EXPECT_EQ(other, 0);
  EXPECT_EQ(unwinding, 1);
  EXPECT_TRUE(caught);
}

TEST(FiberExceptionsDeathTest, OneThatLeavesTheBodyEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        FiberPool pool({});
        start(pool, [] { throw std::runtime_error("nobody catches this"); });
        await_ended(pool);
      },
      "nobody catches this");
}

}  // namespace
}  // namespace kvmesh::tasks
