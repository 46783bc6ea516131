#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "node/sim/plan.h"
#include "node/sim/workload.h"

namespace kvmesh::sim {

/// What the command line asks for.
struct RunOptions {
  enum class Shape : std::uint8_t { kTree, kChain, kRandom };

  std::vector<std::string> configurations;  // files and directories
  std::string scenario;                     // a file; empty: none
  std::uint64_t seed = 0;
  std::uint32_t runs = 1;   // with seed, seed + 1, ...
  std::uint32_t nodes = 0;  // 0: a small mesh that the seed chooses
  std::uint32_t levels = 1;
  Shape shape = Shape::kTree;
  std::optional<std::uint32_t> requests;
  Micros duration{0};  // 0: by the number of requests
  Trouble trouble = Trouble::kSome;
  bool shrink = true;
  bool quiet = false;  // a line for all runs together, unless one fails
};

/// The plan of the run with `seed`. kInvalidArgument: a configuration or the scenario is wrong; the
/// text says where and what. `notes` gets what a user should know of it, a line each.
Result<Plan> make_plan(const RunOptions& options, std::uint64_t seed,
                       std::vector<std::string>& notes);

}  // namespace kvmesh::sim
