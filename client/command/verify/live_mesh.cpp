#include "client/command/verify/live_mesh.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "client/command/info_text.h"
#include "client/command/verify/told_node.h"

namespace kvmesh::command {
namespace {

// A node that others are asked for, connected when it is needed first.
class Knower {
 public:
  Knower(std::string endpoint, std::string name, std::chrono::milliseconds timeout)
      : endpoint_(std::move(endpoint)), name_(std::move(name)), timeout_(timeout) {}

  const std::string& endpoint() const { return endpoint_; }
  const std::string& name() const { return name_; }

  // What the node called `name` answers to a request that this one passes on.
  Result<verify::MeshNode> ask_for(const std::string& name) {
    if (!tried_) connect();
    if (!status_.ok()) return status_;
    const auto info = client_->info(name, timeout_);
    if (!info) return info.status();
    return told_node(*info, name + " (asked over " + name_ + ")");
  }

 private:
  void connect() {
    tried_ = true;
    if (endpoint_.empty()) {
      status_ = {StatusCode::kUnavailable, name_ + " is only reached over others"};
      return;
    }
    auto client = connected_client(endpoint_, timeout_);
    if (!client) {
      status_ = client.status();
      return;
    }
    client_ = *std::move(client);
    // Its peers find it at this address, but here that may be another node's.
    const auto own = client_->info({}, timeout_);
    if (!own) {
      status_ = own.status();
    } else if (text_at(*own, "name") != name_) {
      status_ = {StatusCode::kUnavailable, endpoint_ + " is not the address of " + name_};
    }
  }

  std::string endpoint_;
  std::string name_;
  std::chrono::milliseconds timeout_;
  bool tried_ = false;
  Status status_;
  std::unique_ptr<Client> client_;
};

class Walk {
 public:
  explicit Walk(std::chrono::milliseconds timeout) : timeout_(timeout) {}

  Status begin_at(const std::string& endpoint) {
    auto node = ask(endpoint, timeout_);
    if (!node) return node.status();
    keep(*std::move(node), {endpoint, {}, {}});
    return {};
  }

  // Looks at what each node knows, those that are found meanwhile included. Connections are made
  // one at a time, as a process may have fewer descriptors than a mesh has nodes.
  void go_on() {
    auto& nodes = mesh_.model.nodes;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto peers = nodes[i].peers;
      const auto vias = nodes[i].vias;
      const auto& name = nodes[i].name.str();
      Knower knower{mesh_.ways.at(name).address, name, timeout_};
      for (const auto& peer : peers) find(peer, knower);
      for (const auto& via : vias) find_behind(via.node.str(), knower);
    }
  }

  LiveMesh take() { return std::move(mesh_); }

 private:
  Result<verify::MeshNode> ask(const std::string& endpoint,
                               std::chrono::milliseconds connect_timeout) const {
    const auto client = connected_client(endpoint, connect_timeout);
    if (!client) return client.status();
    const auto info = (*client)->info({}, timeout_);
    if (!info) return info.status();
    return told_node(*info, endpoint);
  }

  // Asks over the node that knows the peer, as its address is meant for that one; then directly, as
  // the link between the two may be down.
  void find(const PeerSettings& peer, Knower& knower) {
    const std::string& name = peer.name.str();
    if (mesh_.ways.contains(name)) return;
    auto node = knower.ask_for(name);
    std::string why = node.status().to_string();
    Way way{peer.address, knower.name(), knower.endpoint()};
    if (!node) {
      way = {peer.address, {}, {}};
      node = ask(peer.address, std::min(timeout_, kConnectMax));
      if (node.ok() && node->name != peer.name) {
        why = peer.address + " is the address of " + node->name.str();
      }
    }
    if (node.ok() && node->name == peer.name) {
      node->source = peer.address;
      keep(*std::move(node), std::move(way));
    } else {
      mesh_.model.silent.emplace(name, std::move(why));
    }
  }

  void find_behind(const std::string& name, Knower& knower) {
    if (mesh_.ways.contains(name)) return;
    auto node = knower.ask_for(name);
    if (node.ok() && node->name.str() == name) {
      keep(*std::move(node), {{}, knower.name(), knower.endpoint()});
    } else {
      mesh_.model.silent.emplace(name, node.status().to_string());
    }
  }

  void keep(verify::MeshNode node, Way way) {
    if (!mesh_.ways.emplace(node.name.str(), std::move(way)).second) return;
    mesh_.model.silent.erase(node.name.str());
    mesh_.model.nodes.push_back(std::move(node));
  }

  std::chrono::milliseconds timeout_;
  LiveMesh mesh_;
};

}  // namespace

Result<std::unique_ptr<Client>> connected_client(const std::string& endpoint,
                                                 std::chrono::milliseconds timeout) {
  Client::Options options;
  options.endpoint = endpoint;
  auto client = Client::open(options);
  if (!client) return client.status();
  if (auto up = (*client)->wait_connected(timeout); !up.ok()) return up;
  return client;
}

Result<LiveMesh> live_mesh(const std::vector<std::string>& endpoints,
                           std::chrono::milliseconds timeout) {
  Walk walk{timeout};
  for (const auto& endpoint : endpoints) {
    if (auto status = walk.begin_at(endpoint); !status.ok()) return status;
  }
  walk.go_on();
  return walk.take();
}

}  // namespace kvmesh::command
