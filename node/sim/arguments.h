#pragma once

#include <cstdint>

#include "common/wire/buffer.h"
#include "node/sim/oracle.h"
#include "node/sim/plan.h"

namespace kvmesh::sim {

/// Packs what a request of the plan says to its function. Where it goes on from what its asker was
/// told before, the oracle knows that.
void pack_arguments(wire::Buffer& out, const Plan& plan, std::uint32_t number, Oracle& oracle);

}  // namespace kvmesh::sim
