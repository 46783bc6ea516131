#pragma once

#include <string>
#include <string_view>

#include <kvmesh/server.h>

namespace kvmesh::tasks {

/// What to do instead, for somebody who called `function` of a server as if it were a module's:
/// "counter is a server; call it with: kvmesh server foo@localhost counter add 1". `args`: one
/// msgpack array; what it holds is written as words for a shell, unless that would be long. When
/// the server has no such function, names those that it has. Pure.
std::string server_hint(const ServerDefinition& server, std::string_view node,
                        std::string_view function, std::string_view args);

}  // namespace kvmesh::tasks
