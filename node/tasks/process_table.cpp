#include "node/tasks/process_table.h"

#include <cstdlib>

namespace kvmesh::tasks {

ProcessId ProcessTable::take_id() {
  if (next_id_ == 0) ++next_id_;
  return next_id_++;
}

Process& ProcessTable::add(ProcessId id, Process::Kind kind) {
  const auto [at, added] = processes_.emplace(id, std::make_unique<Process>(id, kind, meters_));
  if (!added) std::abort();
  Process& process = *at->second;
  process.previous = youngest_;
  (youngest_ == nullptr ? oldest_ : youngest_->next) = &process;
  youngest_ = &process;
  return process;
}

Process* ProcessTable::find(ProcessId id) {
  const auto found = processes_.find(id);
  return found == processes_.end() ? nullptr : found->second.get();
}

const Process* ProcessTable::find(ProcessId id) const {
  const auto found = processes_.find(id);
  return found == processes_.end() ? nullptr : found->second.get();
}

void ProcessTable::remove(Process& process) {
  timetable_.remove(process);
  (process.previous == nullptr ? oldest_ : process.previous->next) = process.next;
  (process.next == nullptr ? youngest_ : process.next->previous) = process.previous;
  processes_.erase(process.id);
}

}  // namespace kvmesh::tasks
