#include "node/tasks/alarms.h"

namespace kvmesh::tasks {

Alarms::Alarm Alarms::set(TimePoint time, FiberRef fiber) {
  const std::lock_guard lock{mutex_};
  return times_.emplace(time, fiber);
}

void Alarms::cancel(Alarm alarm) {
  const std::lock_guard lock{mutex_};
  times_.erase(alarm);
}

// With the lock held, so that none of these fibers has cancelled its alarm and ended meanwhile.
void Alarms::ring(TimePoint now) {
  const std::lock_guard lock{mutex_};
  for (auto alarm = times_.begin(); alarm != times_.end() && alarm->first <= now; ++alarm) {
    FiberPool::unpark(alarm->second);
  }
}

}  // namespace kvmesh::tasks
