#pragma once

#include "node/sim/event_queue.h"

namespace kvmesh::sim {

inline constexpr Micros kMilli{1000};
/// How often a node looks at its deadlines and links, as Reactor does.
inline constexpr Micros kNodeTick{20000};
/// Of silence, then a dialer sends a PING.
inline constexpr Micros kPingInterval{250000};

}  // namespace kvmesh::sim
