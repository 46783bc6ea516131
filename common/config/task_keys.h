#pragma once

#include <vector>

#include "common/config/schema.h"

namespace kvmesh::config {

/// `modules`: what code a node loads.
KeySpec modules_key();

/// `tasks.*`: how that code runs, and who may call it.
std::vector<KeySpec> task_keys();

}  // namespace kvmesh::config
