#pragma once

#include <string>
#include <vector>

#include "client/verify/name_set.h"
#include "client/verify/verify.h"

namespace kvmesh::verify {

/// Names of buckets that belong to other nodes than before. Each side holds the names of the nodes
/// that store them, sorted: one where all is sound, none where no request reaches a store.
struct Change {
  NameSet names;
  std::vector<std::string> before;
  std::vector<std::string> after;
};

/// What becomes of a mesh when its tables change.
struct Difference {
  std::vector<std::string> joined;  // names of nodes that are new
  std::vector<std::string> left;    // that are gone
  std::vector<Change> changes;      // by their lowest byte
  bool same() const { return joined.empty() && left.empty() && changes.empty(); }
};

/// Compares where requests end, not what tables say: ranges that are written in another way, or
/// lead there over other nodes, are no change.
Difference difference(const Report& before, const Report& after);

}  // namespace kvmesh::verify
