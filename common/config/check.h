#pragma once

#include "common/config/draft.h"
#include "common/config/faults.h"

namespace kvmesh::config {

/// Adds a fault for each required key that is missing and for each two values that do not go
/// together. What depends on a value that was refused already is not judged again.
void check(const Draft& draft, Faults& faults);

/// Adds a fault for what a node that runs with `running` cannot take over, and nothing else goes
/// together with: another name, and entries for a store that it does not have.
void check_running(const Draft& draft, const Settings& running, Faults& faults);

/// Adds what is odd though not wrong. REQUIRES: check() found nothing.
void check_oddities(const Draft& draft, Faults& warnings);

}  // namespace kvmesh::config
