#pragma once

#include <kvmesh/status.h>

namespace kvmesh::client {

/// Whether a client can be made: libzmq aborts the process when it has no descriptor for what it
/// needs at its start. kInternal, with what to do, when too few are left. Other threads may take
/// them meanwhile.
Status check_descriptors();

}  // namespace kvmesh::client
