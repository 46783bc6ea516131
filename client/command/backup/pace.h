#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace kvmesh::command {

/// Leaves a mesh to others for as long as it was asked for something: half of the time, on the
/// whole. One thread.
class Pace {
 public:
  /// A pause is never longer, lest a node that was away for a while is waited for twice.
  static constexpr std::chrono::milliseconds kPauseMax{20};

  /// `pauses`: false never waits.
  explicit Pace(bool pauses) : pauses_(pauses) {}

  /// For each step of the work, after it.
  void rest() {
    if (pauses_) std::this_thread::sleep_for(pause_after(Clock::now() - worked_since_));
    worked_since_ = Clock::now();
  }

  static std::chrono::nanoseconds pause_after(std::chrono::nanoseconds work) {
    return std::min<std::chrono::nanoseconds>(work, kPauseMax);
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool pauses_;
  Clock::time_point worked_since_ = Clock::now();
};

}  // namespace kvmesh::command
