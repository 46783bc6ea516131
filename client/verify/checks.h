#pragma once

#include <cstdint>
#include <vector>

#include "client/verify/atlas.h"
#include "client/verify/findings.h"
#include "client/verify/mesh_model.h"
#include "client/verify/verify.h"

/// The parts of verify(), one for each sort of finding; each appends what it finds.
namespace kvmesh::verify {

/// What a check looks at.
struct Subject {
  const MeshModel& model;
  const Atlas& atlas;
  const std::vector<std::uint32_t>& entries;  // the places where requests enter
};

/// Follows every name from every entry: holes, loops, dead ends, split brains and long ways, and
/// report.owners.
void find_table_faults(const Subject& subject, Report& report);
/// Requests that name a node behind a peer.
void find_via_faults(const Subject& subject, std::vector<Finding>& out);
/// Nodes whose keys, or whose files of principals, do not go together.
void find_key_faults(const Subject& subject, std::vector<Finding>& out);
/// Names and addresses that do not go together.
void find_address_faults(const Subject& subject, std::vector<Finding>& out);
/// All that is odd but not wrong. REQUIRES: report.owners is filled in.
void find_oddities(const Subject& subject, Report& report);

}  // namespace kvmesh::verify
