#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/verify/live_mesh.h"
#include "client/plan/assignment.h"
#include "client/verify/name_set.h"

namespace kvmesh::command {

/// What there is of some names.
struct Amount {
  std::uint64_t buckets = 0;
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;  // of memory, about: the node's mean of a key

  Amount& operator+=(const Amount& other) {
    buckets += other.buckets;
    keys += other.keys;
    bytes += other.bytes;
    return *this;
  }
};

/// What the nodes of a mesh store, each of what its table gives to it, by hash.
struct Stored {
  std::map<std::string, std::array<Amount, plan::kSlots>> of_nodes;  // by name
  std::vector<std::string> missing;                                  // what could not be counted
};

/// Asks each node that stores for its buckets whose first byte is one of `bytes`, and for their
/// keys. Blocks; a failure of a node is in `missing`.
Stored count_stored(Session& session, const LiveMesh& mesh, const RouteKeys& bytes);

}  // namespace kvmesh::command
