#pragma once

#include <chrono>

namespace kvmesh::core {

/// How long one source of work may go on in a pass of the reactor's loop; what is left waits for
/// the next. So the others have their turn, and a PONG leaves long before its peer gives this node
/// up: after a second, unless mesh.peer_timeout_ms says otherwise.
inline constexpr std::chrono::milliseconds kPassTimeMax{10};

}  // namespace kvmesh::core
