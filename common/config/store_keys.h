#pragma once

#include <vector>

#include "common/config/schema.h"

namespace kvmesh::config {

KeySpec state_dir_key();
/// The keys of [kv] but for the routing table.
std::vector<KeySpec> store_keys();

}  // namespace kvmesh::config
