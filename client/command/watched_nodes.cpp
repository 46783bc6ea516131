#include "client/command/watched_nodes.h"

#include <utility>

namespace kvmesh::command {

Result<std::vector<NodeChange>> WatchedNodes::take(const Result<remote::NodesTold>& answer) {
  std::vector<NodeChange> out;
  if (!answer) {
    if (name_.empty()) return answer.status();
    if (answer.status().code() == StatusCode::kOverloaded) return out;
    if (!std::exchange(away_, true)) out.push_back({name_, false, answer.status().to_string(), {}});
    seen_ = 0;
    return out;
  }
  name_ = answer->node;
  seen_ = answer->seen;
  if (std::exchange(away_, false)) out.push_back({name_, true, {}, {}});
  for (const auto& change : answer->changes) {
    out.push_back({change.node, change.up, change.why, name_});
  }
  return out;
}

}  // namespace kvmesh::command
