#include "node/tasks/busy_workers.h"

namespace kvmesh::tasks {

bool BusyWorkers::look(RunQueue::Progress progress, TimePoint now) {
  if (progress.popped >= awaited_) {
    awaited_ = progress.pushed;
    since_ = now;
    looks_ = 0;
    return false;
  }
  ++looks_;
  if (looks_ < kLooksMin || now - since_ < kLate || now < next_report_) return false;
  next_report_ = now + kBetweenReports;
  return true;
}

}  // namespace kvmesh::tasks
