#pragma once

#include "node/sim/event_queue.h"

namespace kvmesh::sim {

inline constexpr Micros kMilli{1000};
/// As in production: a node looks at its deadlines so often, and a dialer sends a PING when it has
/// heard nothing for so long.
inline constexpr Micros kTick{20000};
inline constexpr Micros kPingInterval{250000};

}  // namespace kvmesh::sim
