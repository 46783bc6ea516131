#include "client/command/nodes/nodes_watch.h"

#include <kvmesh/limits.h>

#include <chrono>
#include <thread>
#include <utility>

#include "common/remote/requests.h"

namespace kvmesh::command {

namespace {

constexpr std::chrono::milliseconds kWatchPause{
    500};  // between attempts at a node that is away or busy

void print_change(const Session& session, const NodeChange& change) {
  const auto now = std::chrono::system_clock::now();
  session.print_line(session.json() ? change_json(change, now).to_json()
                                    : change_text(change, now));
}

// What became of the question, which only reads, is nobody's concern; why no more can be asked is.
Status why_away(Client& client, const Status& failed) {
  if (failed.code() != StatusCode::kOutcomeUnknown) return failed;
  auto connection = client.wait_connected(std::chrono::milliseconds{0});
  return connection.ok() ? failed : connection;
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
    const auto changes = watched.take(told.ok() ? told : why_away(client, told.status()));
    if (!changes) return session.fail(changes.status());
    for (const auto& change : *changes) print_change(session, change);
    if (!told) std::this_thread::sleep_for(kWatchPause);
  }
}

Result<std::vector<NodeChange>> WatchedNodes::take(const Result<remote::NodesTold>& answer) {
  std::vector<NodeChange> out;
  if (!answer) {
    if (name_.empty()) return answer.status();
    if (answer.status().code() == StatusCode::kOverloaded) return out;
    if (!std::exchange(away_, true)) out.push_back({name_, false, answer.status().to_string(), {}});
    seen_ = 0;
    return out;
  }
  const bool is_another = !name_.empty() && name_ != answer->node;
  if (is_another && !away_) {
    out.push_back({name_, false, "another node is connected now, " + answer->node, {}});
  }
  const bool is_state = seen_ == 0 || is_another;
  name_ = answer->node;
  seen_ = answer->seen;
  if (std::exchange(away_, false) || is_another) out.push_back({name_, true, {}, {}, !is_another});
  for (const auto& change : answer->changes) {
    out.push_back({change.node, change.up, change.why, name_, !is_state});
  }
  return out;
}

}  // namespace kvmesh::command
