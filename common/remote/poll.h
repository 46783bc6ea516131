#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "common/remote/connection.h"

namespace kvmesh::remote {

/// Before a poll that was refused as kOverloaded is made again: so that many who poll a busy node
/// add little to its work. A lease (limits::kTaskLease) outlasts several.
inline constexpr std::chrono::milliseconds kBusyPause{250};

/// Asks for news of something that goes on: a task, a mailbox, a process, a node. The node answers
/// when there is news, or after a slice. One that answers kOverloaded, or whose window is full, is
/// there and has done nothing: it is asked again after kBusyPause, until it says something else.
/// `done` is called exactly once, as by MeshPort::request(). Thread-safe.
void poll(const std::shared_ptr<Connection>& connection, Operation operation,
          std::function<void(Outcome)> done);

}  // namespace kvmesh::remote
