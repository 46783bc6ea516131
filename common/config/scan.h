#pragma once

#include "common/config/draft.h"
#include "common/config/faults.h"
#include "common/config/value.h"

namespace kvmesh::config {

/// Stores every value of `merged` whose key is known into `draft`; adds a fault for each that is
/// unknown, with the key that was probably meant, and for each that is faulty by itself.
void scan(const Value& merged, Draft& draft, Faults& faults);

}  // namespace kvmesh::config
