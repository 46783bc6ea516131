#include "client/command/nodes_watch.h"

#include <kvmesh/limits.h>

#include <chrono>
#include <thread>

#include "client/command/watched_nodes.h"
#include "common/remote/requests.h"

namespace kvmesh::command {
namespace {

constexpr std::chrono::milliseconds kWatchPause{
    500};  // between attempts at a node that is away or busy

void print_change(const Session& session, const NodeChange& change) {
  const auto now = std::chrono::system_clock::now();
  session.print_line(session.json() ? change_json(change, now) : change_text(change, now));
}

}  // namespace

int watch_nodes(Session& session, Client& client, const std::string& node) {
  WatchedNodes watched;
  while (true) {
    const auto slice = watched.seen() == 0 ? std::chrono::milliseconds{0} : limits::kTaskSlice;
    const auto outcome =
        client.call(remote::watch_request(node, watched.seen()), slice + session.options.timeout);
    const auto told = outcome.status.ok() ? remote::nodes_told_of(outcome.result)
                                          : Result<remote::NodesTold>{outcome.status};
    const auto changes = watched.take(told);
    if (!changes) return session.fail(changes.status());
    for (const auto& change : *changes) print_change(session, change);
    if (!told) std::this_thread::sleep_for(kWatchPause);
  }
}

}  // namespace kvmesh::command
