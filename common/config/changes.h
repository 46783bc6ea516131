#pragma once

#include <string>
#include <vector>

#include "common/config/settings.h"

namespace kvmesh {

/// The keys whose values differ between two settings and that a running node does not take over
/// (all but mesh.peers and kv.routing_table), in the order of config/README.md: each one line,
/// `KEY: BEFORE stays until a restart; the configuration says AFTER`, with values as in TOML. Pure.
std::vector<std::string> restart_needed(const Settings& before, const Settings& after);

/// What else differs, which a running node takes over: each peer that is added, removed or reached
/// in another way, and the routing table. Each one line; in the order of the files, what is removed
/// last, then the table. Pure.
std::vector<std::string> taken_over(const Settings& before, const Settings& after);

}  // namespace kvmesh
