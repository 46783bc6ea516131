#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "node/durable/durable_engine.h"
#include "node/sim/sim_log.h"
#include "node/sim/slow_engine.h"
#include "node/store/memory_engine.h"
#include "tests/unit/engine_driver.h"

/// Tests that every engine must pass, whatever it keeps its buckets in and whenever it answers.
namespace kvmesh::store {

inline constexpr std::uint64_t kPlenty = std::uint64_t{64} << 20;

struct InMemory {
  static std::unique_ptr<Engine> make(const TimePoint& /*now*/, std::uint64_t bytes_max) {
    return std::make_unique<MemoryEngine>(bytes_max, MemoryEngine::Use::kThreads);
  }
};
struct InMemoryOfOneThread {
  static std::unique_ptr<Engine> make(const TimePoint& /*now*/, std::uint64_t bytes_max) {
    return std::make_unique<MemoryEngine>(bytes_max, MemoryEngine::Use::kOneThread);
  }
};
// Everything ends later, and some of it long after it was executed.
struct Later {
  static std::unique_ptr<Engine> make(const TimePoint& now, std::uint64_t bytes_max) {
    sim::SlowEngine::Options options;
    options.bytes_max = bytes_max;
    options.clock = [&now] { return now; };
    options.decide = [random = std::mt19937_64{7}](const Op&) mutable {
      return sim::SlowEngine::Fate{.until_executed = std::chrono::milliseconds{random() % 4},
                                   .until_told = std::chrono::milliseconds{random() % 10}};
    };
    return std::make_unique<sim::SlowEngine>(std::move(options));
  }
};

// Changes are on the disk some milliseconds later, and nobody is told before.
struct Durable {
  static std::unique_ptr<Engine> make(const TimePoint& now, std::uint64_t bytes_max) {
    sim::SimLog::Options options;
    options.clock = [&now] { return now; };
    options.until_synced = [random = std::mt19937_64{7}]() mutable {
      return std::chrono::milliseconds{random() % 4};
    };
    return std::make_unique<durable::DurableEngine>(
        durable::DurableEngine::Options{.bytes_max = bytes_max},
        std::make_unique<sim::SimLog>(std::make_shared<sim::SimDisk>(), std::move(options)));
  }
};

template <typename Made>
class EngineSuite : public testing::Test {
 protected:
  EngineSuite() { driver_ = std::make_unique<EngineDriver>(*engine_, now_); }

  StatusCode code(const Op& op) { return driver_->execute(op).code; }
  std::vector<std::string> names(const Op& op) {
    return driver_->execute(op).template get<Page>().names;
  }
  void make_engine(std::uint64_t bytes_max) {
    driver_.reset();
    engine_ = Made::make(now_, bytes_max);
    driver_ = std::make_unique<EngineDriver>(*engine_, now_);
  }

  TimePoint now_{std::chrono::seconds{1}};
  std::unique_ptr<Engine> engine_ = Made::make(now_, kPlenty);
  std::unique_ptr<EngineDriver> driver_;
};

using Engines = testing::Types<InMemory, InMemoryOfOneThread, Later, Durable>;

}  // namespace kvmesh::store
