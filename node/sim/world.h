#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/sim/event_queue.h"
#include "node/sim/network.h"
#include "node/sim/oracle.h"
#include "node/sim/plan.h"
#include "node/sim/random.h"
#include "node/sim/recorder.h"
#include "node/sim/referee.h"
#include "node/sim/tables.h"
#include "node/sim/violations.h"

namespace kvmesh::sim {

/// How many requests nodes have to answer at once.
struct Load {
  std::size_t now = 0;  // of all nodes together
  std::size_t most = 0;
  std::size_t most_of_one_node = 0;

  void add(std::size_t of_node) {
    most = std::max(most, ++now);
    most_of_one_node = std::max(most_of_one_node, of_node);
  }
};

/// What the nodes of a run share.
struct World {
  explicit World(const Plan& the_plan, Recorder* the_recorder)
      : plan(the_plan),
        tables(plan),
        oracle(plan, tables, violations),
        referee(plan, tables),
        network(plan, events),
        recorder(the_recorder),
        lives(plan.nodes.size()) {}

  const Plan& plan;
  EventQueue events;
  Violations violations;
  Tables tables;
  Oracle oracle;
  Referee referee;
  Network network;
  TraceHash trace;
  Recorder* recorder;                // may be null
  std::vector<std::uint64_t> lives;  // of each node, which incarnation runs; 0: none does
  std::uint64_t lives_begun = 0;
  Load load;
};

}  // namespace kvmesh::sim
