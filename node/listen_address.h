#pragma once

#include <string>

#include <kvmesh/status.h>

#include "common/config/address.h"

namespace kvmesh {

/// Where to listen, with an address instead of a name: `where` is host:port as a setting has it,
/// the host a number, "*", an interface of this machine (its first address) or a host name, which
/// is looked up. kUnavailable when there is no such interface and no such host. Blocks while it
/// looks up: for the start of a node.
Result<HostPort> resolve_listen(const HostPort& where);

/// "127.0.0.1:4040", "[::1]:4040".
std::string to_string(const HostPort& where);

}  // namespace kvmesh
