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

/// The names that a plan divides: those whose first byte no table decides. Where no table has
/// entries by hash yet, all: then these take the place of those by first byte.
verify::Bytes256 planned_bytes(const verify::MeshModel& mesh);

/// The candidate that owns each hash of the planned names now; none where names of the hash belong
/// to different nodes, or to one that is no candidate. `report`: verify() of the mesh.
Before owners_now(const verify::MeshModel& mesh, const verify::Report& report,
                  const std::vector<Candidate>& candidates);

/// Tables that lead the planned names to `owners`, and what verify() says of them. Each node
/// passes on to the peer from which the owner is nearest; what its table says of other first bytes
/// stays. kInvalidArgument, with what to do: an owner is not described, stores nothing, or cannot
/// be reached from some node over peers. Pure.
struct Proposal {
  verify::MeshModel mesh;
  verify::Report report;
};
Result<Proposal> propose(const verify::MeshModel& mesh, const std::vector<Candidate>& candidates,
                         const After& owners);

}  // namespace kvmesh::plan
