#pragma once

#include "common/config/draft.h"
#include "common/config/faults.h"

namespace kvmesh::config {

/// Adds a fault for each required key that is missing and for each two values that do not go
/// together. What depends on a value that was refused already is not judged again.
void check(const Draft& draft, Faults& faults);

/// Adds what is odd though not wrong. REQUIRES: check() found nothing.
void check_oddities(const Draft& draft, Faults& warnings);

}  // namespace kvmesh::config
