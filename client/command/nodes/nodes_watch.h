#pragma once

#include <kvmesh/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/nodes/nodes_text.h"
#include "common/remote/requests.h"

namespace kvmesh::command {

/// Prints the state of each peer of `node` (empty: of the connected one), and then every change of
/// one, until the process is ended. While `node` itself does not answer, that is a line, and it is
/// asked again and again; one that is only busy is asked again without a line. When `client` goes
/// on with another node, the watch begins anew there. Returns only when
/// the first answer is a failure: the exit status.
int watch_nodes(Session& session, Client& client, const std::string& node);

/// What is known of the peers of one node from its answers to node.watch, one after the other.
/// Pure.
class WatchedNodes {
 public:
  /// Takes the next answer. Gives what is to be told; or the answer's status when it is the first
  /// and a failure, and there is nothing to watch. A node that fails later is told as down, once,
  /// until it or another one answers, and then begins anew. One that is only busy (kOverloaded) is
  /// not: it is asked on from where it was.
  Result<std::vector<NodeChange>> take(const Result<remote::NodesTold>& answer);

  /// What to ask for next, see remote::watch_request().
  std::uint64_t seen() const { return seen_; }

 private:
  std::string name_;  // the node's own, once it has answered
  std::uint64_t seen_ = 0;
  bool away_ = false;
};

}  // namespace kvmesh::command
