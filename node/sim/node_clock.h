#pragma once

#include <cstdint>

#include "common/deadline.h"
#include "node/sim/event_queue.h"
#include "node/sim/plan.h"
#include "node/sim/random.h"

namespace kvmesh::sim {

/// The clock of one node's machine: it began at another moment than those of the others, and runs a
/// little faster or slower. Of the seed and the node's name, so that removing a node changes
/// nothing for others.
class NodeClock {
 public:
  /// As far as NTP may slew a clock.
  static constexpr std::int64_t kDriftPpmMost = 500;

  NodeClock(std::uint64_t seed, const NodeName& name) {
    for (const char c : name.str()) {
      seed ^= static_cast<unsigned char>(c);
      seed = Random::next_seed(seed);
    }
    Random random{seed};
    began_ = random.between(Micros{0}, std::chrono::hours{1});
    drift_ppm_ = static_cast<std::int64_t>(random.below(2 * kDriftPpmMost + 1)) - kDriftPpmMost;
  }

  /// What it shows at that moment of the run.
  Micros at(Micros now) const {
    return began_ + std::chrono::hours{1} + now + Micros{now.count() * drift_ppm_ / 1000000};
  }
  /// The same as a core sees it.
  TimePoint time(Micros now) const { return TimePoint{} + at(now); }
  /// The same as a stamp in a frame.
  std::uint64_t stamp(Micros now) const { return static_cast<std::uint64_t>(at(now).count()); }

 private:
  Micros began_{};
  std::int64_t drift_ppm_ = 0;
};

}  // namespace kvmesh::sim
