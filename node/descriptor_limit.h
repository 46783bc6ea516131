#pragma once

#include <cstdint>

#include "common/config/settings.h"

namespace kvmesh {

/// How many descriptors a node may have open at once when every limit of its settings is reached.
std::uint64_t descriptors_needed(const Settings& settings);

/// Raises this process's limit of open files to `needed` when it is lower. Where the system does
/// not allow so many it takes what there is, and warns with both numbers and what to do. Never
/// lowers it.
void raise_descriptor_limit(std::uint64_t needed);

}  // namespace kvmesh
