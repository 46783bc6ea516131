#pragma once

#include <string_view>

#include <kvmesh/status.h>

#include "common/request.h"

namespace kvmesh::core {

/// May this node, `self`, pass the request on by `entry`? kRouteLoop when it has done so before
/// (its name is on the path): the text tells the cycle with each node's entry. kTooManyHops when
/// the path is full.
Status check_path(const RequestView& request, std::string_view self, std::string_view entry);

}  // namespace kvmesh::core
