#pragma once

#include <map>
#include <mutex>

#include "common/deadline.h"
#include "node/tasks/fiber_pool.h"

namespace kvmesh::tasks {

/// Wakes fibers whose waits have an end. Thread-safe.
class Alarms {
  using Times = std::multimap<TimePoint, FiberRef>;

 public:
  using Alarm = Times::iterator;

  /// From `time` on, ring() unparks the fiber until cancel().
  Alarm set(TimePoint time, FiberRef fiber);
  void cancel(Alarm alarm);
  /// Called every few milliseconds, which is how exact an alarm is.
  void ring(TimePoint now);

 private:
  std::mutex mutex_;
  Times times_;
};

}  // namespace kvmesh::tasks
