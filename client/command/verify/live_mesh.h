#pragma once

#include <kvmesh/status.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/verify/mesh_model.h"

namespace kvmesh::command {

/// The mesh that runs: what the nodes at `endpoints` tell of themselves, then all that they know,
/// and so on. A node is asked over one that knows it; where that one cannot reach it, at its
/// address. One that does not answer so stands in `silent`. Addresses are not judged: the nodes'
/// own links show whether they are right. Fails only when one of `endpoints` cannot be asked, with
/// the status of that. Blocks; each call and connection for at most `timeout`.
Result<verify::MeshModel> live_mesh(const std::vector<std::string>& endpoints,
                                    std::chrono::milliseconds timeout);

}  // namespace kvmesh::command
