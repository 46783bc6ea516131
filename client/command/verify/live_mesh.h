#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/command/base/session.h"
#include "client/verify/mesh_model.h"

namespace kvmesh::command {

/// A node as its `node.info` tells it (common/PROTOCOL.md, 1.6). kProtocolError when a name, range
/// or address in it is none. Pure.
Result<verify::MeshNode> told_node(const Value& info, const std::string& source);

/// How a node can be asked from here.
struct Way {
  std::string address;         // its own, which from here may be another node's; empty: not known
  std::string knower;          // a node that passes requests on to it; empty: none
  std::string knower_address;  // of that one
};

struct LiveMesh {
  verify::MeshModel model;
  std::map<std::string, Way> ways;  // of each node of the model, by its name
  // What each told (`node.info`), or why a silent one told nothing.
  std::map<std::string, Result<Value>> infos;
};

/// The mesh that runs: what the nodes at `starts` tell of themselves, of each list the first that
/// answers, then all that they know, and so on. The model's nodes stand in the order in which they
/// were found. A node is asked over one that knows it; where that one cannot reach it, at its
/// address. One that does not answer so stands in `silent`. Addresses are not judged: the nodes'
/// own links show whether they are right. Fails only when one of `starts` cannot be asked, with the
/// status of that, or as kCancelled when the command is broken off. Blocks; each call and
/// connection for at most the time of a request. With `until` it is in a hurry: nodes that those
/// which know them have no connection to are left out, and after that time so are all others.
Result<LiveMesh> live_mesh(
    const std::vector<EndpointList>& starts, const Access& access,
    std::optional<std::chrono::steady_clock::time_point> until = std::nullopt);

/// A connection that is up. Blocks for at most the time of a request; kUnavailable when that is
/// over.
Result<std::unique_ptr<Client>> connected_client(const EndpointList& endpoints,
                                                 const Access& access);

/// How long a node may take to be reached at an address that another node has told.
inline constexpr std::chrono::milliseconds kConnectMax{1000};

/// How long many calls may take together: kCountTimeouts times what one may.
class CallTime {
 public:
  explicit CallTime(Access access);

  bool is_over() const;
  /// Of the next call; at least a millisecond.
  std::chrono::milliseconds of_a_call() const;
  /// To connect for it, to an address that another node has told.
  Access of_a_connection() const;
  /// kDeadlineExceeded, saying so.
  Status over() const;

 private:
  Access access_;
  std::chrono::steady_clock::time_point end_;
};
inline constexpr int kCountTimeouts = 10;

/// A node that can be asked.
struct Reached {
  std::unique_ptr<Client> client;
  std::string target;  // its name for `client`; empty: it is connected itself
  Value info;
};

/// At its own address first: whatever the tables of others say, it answers for itself there.
/// Blocks.
Result<Reached> reach(const Way& way, const std::string& name, const CallTime& time);

}  // namespace kvmesh::command
