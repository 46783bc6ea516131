#pragma once

#include <kvmesh/status.h>

#include "common/config/settings.h"
#include "common/security/key_file.h"
#include "common/security/principals.h"

namespace kvmesh::security {

/// Whether a node with these settings can show the others who it is: `file`, which mesh.key names,
/// is its own, and `principals`, of mesh.security, let it in under its name. kInvalidArgument with
/// the setting, what is wrong and what to do. No I/O.
Status check_own_key(const KeyFile& file, const Principals& principals, const Settings& settings);

}  // namespace kvmesh::security
