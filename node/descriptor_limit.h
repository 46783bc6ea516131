#pragma once

#include <cstdint>

#include "common/config/settings.h"

namespace kvmesh {

/// How many descriptors a node may have open at once when every limit of its settings is reached.
std::uint64_t descriptors_needed(const Settings& settings);

/// Raises this process's limit of open files to what is needed when it is lower. Where the system
/// does not allow that many it takes what there is, and warns with both numbers and what to do.
/// With kv_server.connections_max at its default, which nobody asked for, and room for many clients
/// still, it says how many there is room for, and that as information. Never lowers the limit.
/// `told`: whether that has been said since the limit was last enough; it is not said again then.
void raise_descriptor_limit(const Settings& settings, bool& told);

}  // namespace kvmesh
