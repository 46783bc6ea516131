#pragma once

#include <vector>

#include "common/config/schema.h"

namespace kvmesh::config {

/// The keys of [kv_server.tls].
std::vector<KeySpec> tls_keys();
/// Whether they go together.
void check_tls(const Draft& draft, Faults& faults);

}  // namespace kvmesh::config
