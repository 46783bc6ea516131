#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "node/sim/plan.h"
#include "node/sim/shadow.h"
#include "node/sim/sim_log.h"

namespace kvmesh::sim {

/// What a durable node's disk must have when the node ends, whenever that is: all that anybody was
/// told of, and of what was executed after that the first changes, each of them whole, up to some
/// place.
class Promised {
 public:
  Promised(const Plan& plan, NodeIndex node) : plan_(plan), told_(plan, node) {}

  void keep_history() { told_.keep_history(); }

  /// It was executed, after all that was told here before.
  void executed(const Execution& execution) { pending_.push_back(execution); }
  /// Somebody was told of the changes up to that execution.
  void told(std::uint64_t execution);
  /// The node has ended; `now`: by its store's clock. Says what is wrong with its disk; empty:
  /// nothing, and then `shadow` is what is there.
  std::string crashed(const SimDisk::Content& disk, store::Moment now, Shadow& shadow);

 private:
  std::string difference(const SimDisk::Content& disk, store::Moment now);
  void forget_ended(const SimDisk::Content& disk);

  const Plan& plan_;
  Shadow told_;                    // after what must be there
  std::deque<Execution> pending_;  // what was executed after that
};

}  // namespace kvmesh::sim
