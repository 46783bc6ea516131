#include "common/remote/monitor.h"

#include <string>
#include <utility>

#include "common/remote/poll.h"
#include "common/remote/requests.h"

namespace kvmesh::remote {
namespace {

void on_answer(const std::shared_ptr<Connection>& connection, const Pid& pid,
               const Outcome& outcome) {
  std::string reason;
  if (!outcome.status.ok()) {
    reason = outcome.status.to_string();
  } else if (auto life = life_of(outcome.result)) {
    if (life->alive) return monitor(connection, pid);
    reason = std::move(life->reason);
  } else {
    reason = "protocol_error: the node's answer to process.monitor is not what it should be";
  }
  connection->push({MessageKind::kDown, pid, std::move(reason)});
}

}  // namespace

void monitor(const std::shared_ptr<Connection>& connection, const Pid& pid) {
  poll(connection, monitor_request(pid),
       [connection, pid](const Outcome& outcome) { on_answer(connection, pid, outcome); });
}

}  // namespace kvmesh::remote
