#pragma once

#include <cstddef>
#include <cstdint>

#include "node/sim/oracle.h"
#include "node/sim/plan.h"
#include "node/sim/recorder.h"
#include "node/sim/violations.h"

namespace kvmesh::sim {

/// What a run was like.
struct RunResult {
  Violations violations;
  Oracle::Figures figures;
  std::uint64_t trace = 0;  // hash of all that happened, in order
  std::uint64_t events = 0;
  Micros ended{};
  std::size_t in_flight_max = 0;  // of all nodes together
  std::size_t in_flight_of_one_max = 0;
};

/// Runs the plan to its end, or to the first promise that is broken. The same plan always gives the
/// same outcome.
RunResult run(const Plan& plan, Recorder* recorder = nullptr);

}  // namespace kvmesh::sim
