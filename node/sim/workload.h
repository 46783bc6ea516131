#pragma once

#include <cstdint>

#include "node/sim/plan.h"
#include "node/sim/random.h"

namespace kvmesh::sim {

/// How much is made to go wrong.
enum class Trouble : std::uint8_t { kNone, kSome, kMany };

/// Fills plan.buckets and plan.requests: `count` requests spread over `duration`, in bursts, at
/// random nodes of plan.nodes, for buckets whose first bytes the tables have entries for, and a few
/// others. With trouble some deadlines are short.
void add_workload(Plan& plan, std::uint32_t count, Micros duration, Trouble trouble,
                  Random& random);

/// Fills plan.faults and makes plan.network worse: faults between a twentieth and the half of
/// `duration`, all of which end.
void add_faults(Plan& plan, Micros duration, Trouble trouble, Random& random);

/// Of a plan with durable nodes: their disks fail, and they are killed while they write. All of it
/// ends before the half of `duration`. By numbers of its own, as the next.
void add_disk_faults(Plan& plan, Micros duration);
/// Some of the requests become ones of kv.read, kv.apply, kv.scan and kv.changes.
void add_batches(Plan& plan);

}  // namespace kvmesh::sim
