#pragma once

#include <algorithm>
#include <chrono>

#include "common/deadline.h"

namespace kvmesh {

/// How long a thread that had work looks for more before it sleeps, giving its processor to others
/// in between. That spares the time that it takes to wake a sleeping thread, as long as the others
/// give it back. When somebody keeps it, a thread that sleeps is better off: the system lets it run
/// as soon as there is work, and the other one in its turn. So after a loss it is not done for a
/// while, and for longer after each further one. Owned by one thread; the time is an argument.
class BusyPoll {
 public:
  /// `time`: how long; 0: never.
  explicit BusyPoll(std::chrono::microseconds time) : time_(time) {}

  /// Until when to look, from `now` on; not later than `now`: not at all.
  TimePoint until(TimePoint now) const { return now < again_at_ ? now : now + time_; }

  /// The processor was given to others from `from` to `to`.
  void gave_way(TimePoint from, TimePoint to) {
    if (to - from < kLost) return;
    again_at_ = to + pause_;
    pause_ = std::min(2 * pause_, kPauseMax);
  }
  /// It found work. Many of these make up for a loss.
  void succeeded() { pause_ = std::max(kPauseMin, pause_ - pause_ / 16); }

 private:
  // More than our own threads take at a time, and less than the turn of one that computes.
  static constexpr std::chrono::microseconds kLost{500};
  static constexpr std::chrono::microseconds kPauseMin{20'000};
  static constexpr std::chrono::microseconds kPauseMax{1'000'000};

  const std::chrono::microseconds time_;
  TimePoint again_at_;
  std::chrono::microseconds pause_ = kPauseMin;
};

}  // namespace kvmesh
