#include "client/command/shell/started_tasks.h"

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

}  // namespace kvmesh::command::shell
