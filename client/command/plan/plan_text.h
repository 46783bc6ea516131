#pragma once

#include <kvmesh/value.h>

#include <string>
#include <vector>

#include "client/command/plan/stored.h"
#include "client/plan/assignment.h"
#include "client/plan/proposal.h"

/// What `kvmesh plan` prints. Pure functions; safe to print on a terminal.
namespace kvmesh::command {

/// Hashes that go from one node to another, with what there is of them.
struct PlannedMove {
  std::string from;  // the node that stores them now
  std::string to;
  RouteKeys hashes;
  Amount amount;
};

/// A node before and after.
struct PlannedNode {
  std::string node;
  double weight = 0;  // 0: it is to store nothing
  std::uint32_t hashes_before = 0;
  std::uint32_t hashes_after = 0;
  Amount before;
  Amount after;
};

struct Plan {
  std::vector<PlannedMove> moves;
  std::vector<PlannedNode> nodes;  // that store, now or then
  bool replaces_bytes = false;     // tables by first byte become tables by hash
  std::size_t hashes_moved = 0;    // of kSlots; all of them when replaces_bytes
  plan::Proposal proposal;
};

/// Puts together what is known. `before`: of the candidates, as owners_now() gives it.
Plan make_plan(const std::vector<plan::Candidate>& candidates, const plan::Before& before,
               const plan::After& after, const Stored& stored, plan::Proposal proposal);

std::string plan_text(const Plan& plan, bool color);
Value plan_json(const Plan& plan);
/// A table as a node's file has it: "[kv]" and routing_table.
std::string table_toml(const RoutingTable& table);

}  // namespace kvmesh::command
