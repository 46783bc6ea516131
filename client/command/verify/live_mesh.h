#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/command/base/endpoint_list.h"
#include "client/verify/mesh_model.h"

namespace kvmesh::command {

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
/// status of that. Blocks; each call and connection for at most `timeout`.
Result<LiveMesh> live_mesh(const std::vector<EndpointList>& starts,
                           std::chrono::milliseconds timeout);

/// A connection that is up. Blocks for at most `timeout`; kUnavailable when that is over.
Result<std::unique_ptr<Client>> connected_client(const EndpointList& endpoints,
                                                 std::chrono::milliseconds timeout);

/// How long a node may take to be reached at an address that another node has told.
inline constexpr std::chrono::milliseconds kConnectMax{1000};

}  // namespace kvmesh::command
