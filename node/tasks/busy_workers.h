#pragma once

#include <chrono>
#include <cstdint>

#include "common/deadline.h"
#include "node/tasks/run_queue.h"

namespace kvmesh::tasks {

/// Notices when what is ready to run waits for a worker: something that was in the queue is still
/// there after a second, as all workers are busy. Pure; not thread-safe.
class BusyWorkers {
 public:
  static constexpr std::chrono::seconds kLate{1};
  static constexpr std::chrono::seconds kBetweenReports{10};
  /// A process that was suspended looks late too, and has not been looked at meanwhile.
  static constexpr int kLooksMin = 5;

  /// Look often, at least every 100 ms. True when this is to be said now: at most once in
  /// kBetweenReports.
  bool look(RunQueue::Progress progress, TimePoint now);

 private:
  std::uint64_t awaited_ = 0;  // what was ready at since_ is begun when this much was popped
  TimePoint since_;
  int looks_ = 0;  // since then
  TimePoint next_report_;
};

}  // namespace kvmesh::tasks
