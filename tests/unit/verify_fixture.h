#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/verify/verify.h"

namespace kvmesh::verify {

inline NodeName name_of(std::string_view short_name) {
  return *NodeName::parse(std::string{short_name} + "@h");
}

/// A mesh that a test writes down: nodes are called "foo" here and "foo@h" there. Each listens at
/// an address of its own, and every node that a table names is a peer at its address.
class TestMesh {
 public:
  using Table = std::vector<std::pair<std::string, std::string>>;  // range and node

  /// A node that stores buckets and serves lines.
  MeshNode& add(const std::string& name, const Table& table) {
    MeshNode node;
    node.name = name_of(name);
    node.source = name + ".toml";
    node.stores = true;
    node.serves_lines = true;
    node.listen = address_of(name);
    std::vector<RouteEntry> entries;
    for (const auto& [range, to] : table) {
      entries.push_back({*RouteRange::parse(range), name_of(to)});
      if (to != name) add_peer(node, to);
    }
    node.table = RoutingTable{std::move(entries)};
    model_.nodes.push_back(std::move(node));
    return model_.nodes.back();
  }
  /// One that passes requests on and serves lines.
  MeshNode& add_gate(const std::string& name, const Table& table) {
    MeshNode& node = add(name, table);
    node.stores = false;
    return node;
  }

  static std::string address_of(std::string_view name) { return "ipc:///" + std::string{name}; }

  static void add_peer(MeshNode& node, std::string_view name) {
    for (const auto& peer : node.peers) {
      if (peer.name == name_of(name)) return;
    }
    node.peers.push_back({name_of(name), address_of(name)});
  }
  /// Makes a peer, as add() made it of an entry, a node behind `peer`.
  static void set_via(MeshNode& node, std::string_view name, std::string_view peer) {
    std::erase_if(node.peers, [&](const auto& other) { return other.name == name_of(name); });
    add_peer(node, peer);
    node.vias.push_back({name_of(name), name_of(peer)});
  }

  Report report(const EntryPoints& enter = {}) const {
    auto out = verify(model_, enter);
    EXPECT_TRUE(out.ok()) << out.status().text();
    return out.ok() ? *std::move(out) : Report{};
  }

  MeshModel& model() { return model_; }

 private:
  MeshModel model_;
};

/// "kind: what", "  bucket B: way" and "  advice" of each finding.
inline std::string text_of(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& finding : findings) {
    out += std::string{to_string(finding.kind)} + ": " + finding.what + "\n";
    for (const auto& example : finding.examples) {
      out += "  " + example.bucket + (example.bucket.empty() ? "" : ": ") + example.way + "\n";
    }
    if (finding.from > 0) out += "  from " + std::to_string(finding.from) + "\n";
    out += "  " + finding.advice + "\n";
  }
  return out;
}

/// "a..m foo@h from 3 hops 1" of each.
inline std::string text_of(const std::vector<Ownership>& owners) {
  std::string out;
  for (const auto& owner : owners) {
    out += owner.names.to_string() + " " + owner.node + " from " + std::to_string(owner.from) +
           " hops " + std::to_string(owner.hops_max) + "\n";
  }
  return out;
}

/// foo stores a..m, bar the rest, gate nothing.
inline TestMesh three() {
  TestMesh mesh;
  mesh.add("foo", {{"a..m", "foo"}, {"*", "bar"}});
  mesh.add("bar", {{"a..m", "foo"}, {"*", "bar"}}).serves_lines = false;
  mesh.add_gate("gate", {{"a..m", "foo"}, {"*", "bar"}});
  return mesh;
}

}  // namespace kvmesh::verify
