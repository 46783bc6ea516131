#pragma once

#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "node/sim/shadow.h"
#include "node/sim/told_revisions.h"

namespace kvmesh::sim {

/// Holds what a store answers against what its shadow says it must, and learns the revisions that
/// are told. Says what is wrong; empty: nothing.
std::string judge(const Request& request, const Shadow::Answer& must, StatusCode code,
                  std::string_view result, ToldRevisions& told);

}  // namespace kvmesh::sim
