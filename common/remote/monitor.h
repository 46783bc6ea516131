#pragma once

#include <memory>

#include <kvmesh/pid.h>

#include "common/remote/connection.h"

namespace kvmesh::remote {

/// Asks for the end of a process until it comes, or its node is gone, or the connection is closed;
/// then pushes one message kDown.
void monitor(const std::shared_ptr<Connection>& connection, const Pid& pid);

}  // namespace kvmesh::remote
