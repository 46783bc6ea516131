#pragma once

#include <kvmesh/mesh.h>

#include "client/command/base/session.h"

namespace kvmesh::command {

/// Starts a named server, or a permanent task, anew, also when it was given up or has ended, and
/// prints its pid, which is the session's result. One that runs is told to stop first, and its new
/// pid waited for, as long as the session's time; when none comes until then, that is said on
/// standard error, and with --json the pid is null. It is watched for a moment: the failure of one
/// that cannot start, or fails at once, is told instead. An empty node is the connected one.
/// Gives an exit status. An interrupt breaks it off where broken_off() says so.
int restart_server(Session& session, Mesh& mesh, const ServerName& server);

}  // namespace kvmesh::command
