#pragma once

#include <kvmesh/status.h>

#include <string>
#include <vector>

#include "client/plan/assignment.h"
#include "client/verify/mesh_model.h"
#include "client/verify/name_set.h"
#include "client/verify/verify.h"

namespace kvmesh::plan {

/// A node that is to store buckets, by name.
struct Candidate {
  std::string node;
  double weight = 1;
};

/// Whether some table has entries by hash.
bool has_hashes(const verify::MeshModel& mesh);

/// The names that a plan divides: those that begin with a byte of which no node that stores such
/// names decides by the byte. Where no table has entries by hash yet, all: then these take the
/// place of those by first byte. `report`: verify() of the mesh.
RouteKeys planned_bytes(const verify::MeshModel& mesh, const verify::Report& report);

/// The candidate that owns each hash of names that begin with one of `bytes` now; none where names
/// of the hash belong to different nodes, or to one that is no candidate.
Before owners_now(const verify::Report& report, const RouteKeys& bytes,
                  const std::vector<Candidate>& candidates);

/// Tables that lead names that begin with one of `bytes` to `owners`, and what verify() says of
/// them. Each node passes on to the peer from which the owner is nearest; what its table says of
/// other first bytes stays. kInvalidArgument, with what to do: an owner is not described, stores
/// nothing, or cannot be reached from some node over peers; a table would have too many entries.
/// Pure.
struct Proposal {
  verify::MeshModel mesh;
  verify::Report report;
};
Result<Proposal> propose(const verify::MeshModel& mesh, const RouteKeys& bytes,
                         const std::vector<Candidate>& candidates, const After& owners);

}  // namespace kvmesh::plan
