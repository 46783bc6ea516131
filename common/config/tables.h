#pragma once

#include "common/config/draft.h"
#include "common/config/faults.h"
#include "common/config/value.h"

namespace kvmesh::config {

// The two keys that hold more than one value. Each judges what can be judged without looking at
// other keys.

/// mesh.peers: a table, name = address or name = { via = peer }.
void store_peers(const Value& value, Draft& draft, Faults& faults);

/// kv.routing_table: an array of tables with `range` and `node`.
void store_routing_table(const Value& value, Draft& draft, Faults& faults);

}  // namespace kvmesh::config
