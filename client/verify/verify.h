#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "client/verify/findings.h"
#include "client/verify/mesh_model.h"
#include "client/verify/name_set.h"

namespace kvmesh::verify {

/// Buckets of these names end at `node`, which stores them, when they are asked for at
/// `from` of the nodes where requests enter.
struct Ownership {
  NameSet names;
  std::string node;
  std::size_t from = 0;
  std::size_t hops_max = 0;  // of the longest way there
};

struct Report {
  std::vector<std::string> nodes;    // the names of all that are described, each once, sorted
  std::vector<std::string> entries;  // of those where requests enter
  std::vector<Ownership> owners;     // by their lowest name
  std::vector<Finding> findings;     // by kind: faults first

  /// How many findings are faults.
  std::size_t faults() const;
  /// Every request that enters at one of `entries` ends at a node that stores its bucket, and it is
  /// the same node wherever it enters; and nothing else is at fault.
  bool sound() const { return faults() == 0; }
};

struct EntryPoints {
  /// The nodes where requests enter; empty: all, as clients may connect to any node's mesh port.
  std::vector<std::string> from;
};

/// Follows every name from every node where a request can enter, by the rules by which nodes
/// do: with their loop guard and hop limit, but with all links up. Exact, not a sample. Takes time
/// in proportion to the number of nodes, entries and peers, and of names that tables tell apart: at
/// most 256 by first byte, and 256 for each set of bytes that tables leave to hashes.
/// kInvalidArgument: no nodes, or enter.from names one that is not there. Thread-safe.
Result<Report> verify(const MeshModel& model, const EntryPoints& enter = {});

}  // namespace kvmesh::verify
