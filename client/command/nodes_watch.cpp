#include "client/command/nodes_watch.h"

#include <kvmesh/limits.h>

#include <chrono>
#include <thread>
#include <utility>

#include "client/command/nodes_text.h"
#include "common/mesh/requests.h"

namespace kvmesh::command {
namespace {

constexpr std::chrono::milliseconds kPause{500};  // between attempts to reach a node that is away

void print_change(const Session& session, const NodeChange& change) {
  const auto now = std::chrono::system_clock::now();
  session.print_line(session.json() ? change_json(change, now) : change_text(change, now));
}

}  // namespace

int watch_nodes(Session& session, Client& client, const std::string& node) {
  std::string name;  // the node's own, once it has answered
  std::uint64_t seen = 0;
  bool away = false;
  while (true) {
    const auto slice = seen == 0 ? std::chrono::milliseconds{0} : limits::kTaskSlice;
    const auto outcome =
        client.call(remote::watch_request(node, seen), slice + session.options.timeout);
    const auto told = outcome.status.ok() ? remote::nodes_told_of(outcome.result)
                                          : Result<remote::NodesTold>{outcome.status};
    if (!told) {
      if (name.empty()) return session.fail(told.status());
      if (!std::exchange(away, true)) {
        print_change(session, {name, false, told.status().to_string(), {}});
      }
      seen = 0;
      std::this_thread::sleep_for(kPause);
      continue;
    }
    name = told->node;
    seen = told->seen;
    if (std::exchange(away, false)) print_change(session, {name, true, {}, {}});
    for (const auto& change : told->changes) {
      print_change(session, {change.node, change.up, change.why, name});
    }
  }
}

}  // namespace kvmesh::command
