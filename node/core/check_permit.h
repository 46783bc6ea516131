#pragma once

#include <kvmesh/status.h>

#include "common/functions.h"
#include "common/request.h"

namespace kvmesh::core {

/// May whoever asks for this have it? OK where the request has no permit: there are no principals
/// then. kDenied with what is missing; the text names nothing that the request does not. What a
/// function must look at itself (functions::Needs::kFunction) is not looked at here. `known` is the
/// request's function, null if nodes have none of its name.
Status check_permit(const RequestView& request, const functions::Function* known);

}  // namespace kvmesh::core
