#pragma once

#include <chrono>
#include <cstddef>

#include "common/deadline.h"

namespace kvmesh::mesh {

/// How long one kind of work may go on in a pass. Looks at the clock now and then, for asking it is
/// not free: after each run of requests that may have taken long, else after some. At least one run
/// is always done. Not thread-safe.
class TurnClock {
 public:
  void begin(std::chrono::microseconds time) {
    until_ = std::chrono::steady_clock::now() + time;
    over_ = false;
    since_look_ = 0;
  }
  /// So many requests, or things as small, were done; `costly`: the last one may have taken long.
  void spend(std::size_t requests, bool costly) {
    since_look_ += requests;
    if (over_ || (!costly && since_look_ < kRequestsPerLook)) return;
    since_look_ = 0;
    over_ = std::chrono::steady_clock::now() >= until_;
  }
  bool is_over() const { return over_; }

 private:
  static constexpr std::size_t kRequestsPerLook = 16;

  TimePoint until_;
  bool over_ = false;
  std::size_t since_look_ = 0;
};

}  // namespace kvmesh::mesh
