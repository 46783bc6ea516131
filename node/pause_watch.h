#pragma once

#include <chrono>
#include <optional>
#include <utility>

namespace kvmesh {

/// Tells when this process was kept from running: stopped (SIGSTOP), starved, or on a machine that
/// was suspended. Work of its own is no pause, however long it takes. Pure; the clocks are given.
class PauseWatch {
 public:
  using Time = std::chrono::nanoseconds;

  /// Pauses of less than `shortest` do not matter.
  explicit PauseWatch(std::chrono::milliseconds shortest) : shortest_(shortest) {}

  /// Begins to watch. REQUIRES: called before the first look().
  void begin(Time now, Time used) {
    last_ = marked_at_ = now;
    used_at_mark_ = used;
  }
  /// Call in each pass, with a clock that counts while the machine is suspended, and `used`, which
  /// tells what this thread has had of the processor; it is asked now and then only. How long the
  /// pause was, give or take kMarkEvery, when there has been one since the last call.
  template <typename Used>
  std::optional<std::chrono::milliseconds> look(Time now, Used used) {
    const auto gap = now - std::exchange(last_, now);
    std::optional<std::chrono::milliseconds> pause;
    if (gap >= shortest_) {
      const auto idle =
          std::chrono::duration_cast<std::chrono::milliseconds>(gap - (used() - used_at_mark_));
      if (idle >= shortest_) pause = idle;
    }
    if (now - marked_at_ >= kMarkEvery) {
      marked_at_ = now;
      used_at_mark_ = used();
    }
    return pause;
  }

  /// What the thread works between a mark and a pause is taken for work in it.
  static constexpr std::chrono::milliseconds kMarkEvery{20};

 private:
  std::chrono::milliseconds shortest_;
  Time last_{};
  Time marked_at_{};
  Time used_at_mark_{};
};

}  // namespace kvmesh
