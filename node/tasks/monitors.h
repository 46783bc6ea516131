#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "node/tasks/runtime.h"
#include "node/tasks/timetable.h"

namespace kvmesh::tasks {

/// The requests that wait for the end of one process. All wait equally long, so they stand in the
/// order of their times. Not thread-safe.
class Monitors {
 public:
  void add(Ticket ticket, TimePoint due) { waiting_.push_back({ticket, due}); }
  TimePoint next_due() const { return first_ == waiting_.size() ? kNever : waiting_[first_].due; }
  /// Takes the oldest; empty when there is none.
  std::optional<Ticket> take();
  std::size_t size() const { return waiting_.size() - first_; }

 private:
  struct Waiting {
    Ticket ticket;
    TimePoint due;
  };
  std::vector<Waiting> waiting_;
  std::size_t first_ = 0;  // those before it are taken
};

/// Why processes ended, for those who monitored them and ask again a moment later. Forgets the
/// oldest beyond limits::kEndedReasonsMax. Not thread-safe.
class EndedReasons {
 public:
  struct Ended {
    std::string reason;
    std::string right;  // Processes::right_to() of the process
  };

  /// REQUIRES: `id` was not added yet, and `until` is not before that of earlier ones.
  void add(ProcessId id, const Ended& ended, TimePoint until);
  /// Null when it is not known (any more).
  const Ended* find(ProcessId id) const;
  /// Forgets those whose time is over.
  void forget(TimePoint now);
  std::size_t size() const { return reasons_.size(); }

 private:
  struct Until {
    ProcessId id;
    TimePoint time;
  };
  void forget_oldest();

  absl::flat_hash_map<ProcessId, Ended> reasons_;
  std::deque<Until> order_;
};

}  // namespace kvmesh::tasks
