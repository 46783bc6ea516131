#include "client/command/shell/waits.h"

#include <poll.h>

#include <algorithm>

namespace kvmesh::command::shell {

// An await() cannot be left, so the task is looked at over and over, less often with time.
Wait wait_for(const Async<Value>& task, std::chrono::milliseconds time,
              const Interrupts& interrupts) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  constexpr milliseconds kPauseMax{20};
  const auto until = steady_clock::now() + time;
  milliseconds pause{1};
  while (!task.is_done()) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0) return Wait::kTimeOver;
    pollfd interrupt{interrupts.descriptor(), POLLIN, 0};
    const auto wait = std::min(left, pause);
    if (poll(&interrupt, 1, static_cast<int>(wait.count())) > 0 && interrupts.take()) {
      return Wait::kInterrupted;
    }
    pause = std::min(pause * 2, kPauseMax);
  }
  return Wait::kEnded;
}

}  // namespace kvmesh::command::shell
