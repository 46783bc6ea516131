#pragma once

#include <cstddef>
#include <memory>

#include <absl/container/flat_hash_map.h>

#include "node/tasks/process.h"

namespace kvmesh::tasks {

/// The processes of a node, by id, by age and by what is due next. Ids count up from the first one
/// and are never used twice. Not thread-safe.
class ProcessTable {
 public:
  explicit ProcessTable(ProcessId first_id) : next_id_(first_id) {}

  /// A number for a process that is about to be added. 0 is never given.
  ProcessId take_id();
  /// REQUIRES: `id` came from take_id() and was not added yet.
  Process& add(ProcessId id, Process::Kind kind);
  /// Null when there is none. Stays valid until it is removed.
  Process* find(ProcessId id);
  const Process* find(ProcessId id) const;
  void remove(Process& process);

  /// To be called when anything has changed that Process::next_due() looks at.
  void reschedule(Process& process) { timetable_.set(process, process.next_due()); }
  /// A process whose time has come, or null. Call reschedule() or remove() for it before asking
  /// again.
  Process* first_due(TimePoint now) { return static_cast<Process*>(timetable_.first_due(now)); }

  std::size_t size() const { return processes_.size(); }
  /// The oldest; the younger ones follow by Process::next.
  const Process* oldest() const { return oldest_; }
  Process* oldest() { return oldest_; }
  Meters& meters() { return meters_; }
  const Meters& meters() const { return meters_; }

 private:
  ProcessId next_id_;
  Meters meters_;  // outlives the processes
  Timetable timetable_;
  absl::flat_hash_map<ProcessId, std::unique_ptr<Process>> processes_;
  Process* oldest_ = nullptr;
  Process* youngest_ = nullptr;
};

}  // namespace kvmesh::tasks
