#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/deadline.h"
#include "node/store/memory_engine.h"

namespace kvmesh::sim {

/// An engine that behaves as one on a disk or on other machines may: every operation ends later,
/// some of what came together are executed and others are not, and what became of an operation may
/// be unknown, be told long after, or never. What is executed is executed in memory.
/// For tests and the simulation: deterministic, in the caller's time. Of one thread.
class SlowEngine final : public store::Engine {
 public:
  /// What becomes of one operation.
  struct Fate {
    std::chrono::microseconds until_executed{0};
    bool is_executed = true;
    bool is_unknown = false;                  // ends as kOutcomeUnknown
    bool is_told = true;                      // false: its end is lost
    std::chrono::microseconds until_told{0};  // since it was executed
  };
  /// What an operation ended with, as values.
  struct Ended {
    Status status;
    std::optional<std::string> value{};
    std::optional<std::uint64_t> count{};
    std::optional<store::Found> found{};
    /// What it points to lives as long as this.
    store::OpResult view() const;
  };
  struct Options {
    std::uint64_t bytes_max = 0;
    std::function<TimePoint()> clock;
    /// Asked once for each operation, in the order in which they are submitted.
    std::function<Fate(const store::Op&)> decide = [](const store::Op&) { return Fate{}; };
    /// Told of each execution, when it happens.
    std::function<void(store::SessionOwner::Ticket, const Ended&)> executed =
        [](store::SessionOwner::Ticket, const Ended&) {};
  };
  explicit SlowEngine(Options options);

  std::unique_ptr<store::Session> open(store::SessionOwner& owner,
                                       std::function<void()> wake) override;
  store::Usage usage() const override { return memory_.usage(); }
  store::BucketCounts buckets_by_byte() const override { return memory_.buckets_by_byte(); }
  store::BucketCounts buckets_by_hash(std::uint8_t byte) const override {
    return memory_.buckets_by_hash(byte);
  }
  store::MemoryEngine& memory() { return memory_; }

 private:
  class Session;

  Options options_;
  store::MemoryEngine memory_;
};

}  // namespace kvmesh::sim
