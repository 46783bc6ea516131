#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "node/sim/plan.h"
#include "node/sim/random.h"

/// Meshes to simulate: made up, or as configurations say.
namespace kvmesh::sim {

/// Nodes that store, and gates in front of them that only ask. `levels` is how often a range is
/// split on the way: the gates' tables lead to the nodes of level 1, each of which hands parts of
/// its range to its children, down to those of the last level, which store. Down to the level
/// before `hash_level` ranges are of first bytes, from there on of hashes: all of them are split
/// anew. There are at most 256 of the nodes that store; all others are gates.
/// REQUIRES: nodes > levels, and 1 <= levels <= 8.
std::vector<NodePlan> make_tree(std::uint32_t nodes, std::uint32_t levels,
                                std::uint32_t hash_level = 0xffffffff);

/// Each node passes everything to the next; the last stores it. REQUIRES: nodes > 0.
std::vector<NodePlan> make_chain(std::uint32_t nodes);

/// Tables that nobody thought about: holes, circles, nodes that store nothing. REQUIRES: nodes > 0.
std::vector<NodePlan> make_random(std::uint32_t nodes, Random& random);

/// The nodes of configuration files or directories. kInvalidArgument: read_node_files() tells what
/// is wrong with one; or two have the same name; or there are none. Peers without a configuration
/// become nodes that never run, so the names of those are in `missing`.
Result<std::vector<NodePlan>> read_mesh(const std::vector<std::string>& paths,
                                        std::vector<std::string>& missing);

}  // namespace kvmesh::sim
