#pragma once

#include <vector>

#include "common/config/schema.h"

namespace kvmesh::config {

/// `mesh.key` and `mesh.security`: by what a node proves who it is, and whom it lets in.
std::vector<KeySpec> security_keys();

}  // namespace kvmesh::config
