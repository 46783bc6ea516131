#pragma once

#include <cstddef>
#include <string_view>

#include "node/sim/plan.h"

namespace kvmesh::sim {

struct Shrunk {
  Plan plan;
  std::size_t runs = 0;  // that it took
};

/// Makes a failing plan small: leaves out requests, faults and nodes as long as a run of what is
/// left still breaks the same promise (delta debugging: Zeller and Hildebrandt, "Simplifying and
/// Isolating Failure-Inducing Input", 2002). Ends after `runs_max` runs at most. Deterministic.
/// REQUIRES: run(plan) breaks `check` first.
Shrunk shrink(Plan plan, std::string_view check, std::size_t runs_max = 2000);

}  // namespace kvmesh::sim
