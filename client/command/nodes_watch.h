#pragma once

#include <string>

#include "client/command/session.h"

namespace kvmesh::command {

/// Prints the state of each peer of `node` (empty: of the connected one), and then every change of
/// one, until the process is ended. While `node` itself does not answer, that is a line, and it is
/// asked again and again; one that is only busy is asked again without a line. Returns only when
/// the first answer is a failure: the exit status.
int watch_nodes(Session& session, Client& client, const std::string& node);

}  // namespace kvmesh::command
