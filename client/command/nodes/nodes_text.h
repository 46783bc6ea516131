#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "client/command/base/session.h"
#include "common/remote/requests.h"

/// The nodes that a node knows: its peers with the state of their links, and those behind them
/// (common/PROTOCOL.md, `node.info`, `peers` and `vias`). Pure functions; what is missing or of
/// another type is passed over.
namespace kvmesh::command {

/// A table, one line a node: node, address, state, in flight, why; the titles alone when there are
/// none. A node behind a peer has "via PEER" for an address, and the state of that peer's link.
std::string nodes_table(const Value& info, bool color);

/// The same as an array of objects: `node`, `address` or `via`, `state`, `in_flight` (not with
/// `via`), `why`.
Value nodes_json(const Value& info);

/// A node that came or went.
struct NodeChange {
  std::string node;
  bool up = false;
  std::string why;      // it is down
  std::string seen_by;  // the node whose peer it is; empty: by this command, which has asked `node`
  bool is_change = true;  // false: how it was found when the watch began, or began anew
};

/// "2026-01-31 23:59:59.000  foo@localhost  went down: why", or "came up", or how it was found: "is
/// down: why", "is up". With the time of this place; no line end.
std::string change_text(const NodeChange& change, std::chrono::system_clock::time_point time);

/// {"time","node","state","change","why","seen_by"}, with the time as UTC in milliseconds.
Value change_json(const NodeChange& change, std::chrono::system_clock::time_point time);

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
