#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "common/config/settings.h"
#include "common/security/keys.h"
#include "common/security/principals.h"

namespace kvmesh {

/// By what a node proves who it is, and who may connect to it.
struct NodeKeys {
  security::KeyPair own;
  std::shared_ptr<const security::Principals> principals;
};

/// What mesh.key and mesh.security name; empty without them. kInvalidArgument, each line with the
/// setting, the file, what is wrong and what to do: a file cannot be used, or they and `settings`
/// do not go together. `peers` of the settings must have keys. Does I/O.
Result<std::optional<NodeKeys>> load_keys(const Settings& settings);

/// What differs, a line each: "user app1 added", "node bar@localhost has other keys". No secrets.
std::vector<std::string> changes_of(const NodeKeys& before, const NodeKeys& after);

}  // namespace kvmesh
