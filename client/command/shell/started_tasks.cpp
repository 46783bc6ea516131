#include "client/command/shell/started_tasks.h"

#include <poll.h>

#include <algorithm>

namespace kvmesh::command::shell {

StartedTasks::Started* StartedTasks::find(const std::string& name) {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& one) {
    return "task" + std::to_string(one.first) == name;
  });
  return found == all_.end() ? nullptr : &found->second;
}

std::vector<std::string> StartedTasks::names() const {
  std::vector<std::string> out;
  for (const auto& [number, started] : all_) out.push_back("task" + std::to_string(number));
  return out;
}

Status StartedTasks::make_room() {
  if (all_.size() < kMax) return {};
  const auto ended = std::find_if(all_.begin(), all_.end(),
                                  [](const auto& one) { return one.second.handle.is_done(); });
  if (ended == all_.end()) {
    return {StatusCode::kOverloaded,
            std::to_string(kMax) + " tasks are under way, and no more can be; cancel one"};
  }
  all_.erase(ended);
  return {};
}

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
