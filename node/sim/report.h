#pragma once

#include <string>

#include "node/sim/plan.h"
#include "node/sim/simulation.h"

/// What people read of a run. Pure functions.
namespace kvmesh::sim {

/// "mesh: 10 nodes, 4 of which store; 2000 requests and 14 faults".
std::string plan_text(const Plan& plan);
/// Several lines: requests, answers by status, latencies, hops, in flight, trace.
std::string result_text(const RunResult& result);
/// One line for each promise that was broken.
std::string violations_text(const Violations& violations);

}  // namespace kvmesh::sim
