#include "node/core/routes.h"

#include <algorithm>

#include <kvmesh/limits.h>

#include "common/text.h"

namespace kvmesh::core {
namespace {

std::optional<PeerIndex> index_of(const std::vector<NodeName>& peers, std::string_view name) {
  const auto found = std::ranges::find(peers, name, &NodeName::str);
  if (found == peers.end()) return std::nullopt;
  return PeerIndex{static_cast<std::uint16_t>(found - peers.begin())};
}

}  // namespace

Result<Routes> Routes::make(const NodeName& self, const std::vector<NodeName>& peers,
                            RoutingTable table) {
  Routes routes;
  for (const auto& entry : table.entries()) {
    const auto peer = index_of(peers, entry.node.str());
    if (!peer && entry.node != self) {
      return Status{StatusCode::kInvalidArgument, "the entry " + entry.range.to_string() +
                                                      " names " + entry.node.str() +
                                                      ", which is neither this node nor a peer"};
    }
    routes.destinations_.push_back(peer);
  }
  routes.self_ = self;
  routes.peers_ = peers;
  routes.table_ = std::move(table);
  return routes;
}

Result<Route> Routes::find(const Target& target) const {
  switch (target.kind) {
    case Target::Kind::kHere:
      return Route{};
    case Target::Kind::kBucket:
      return find_bucket(target.name);
    case Target::Kind::kNode:
      return find_node(target.name);
  }
  return Route{};
}

Result<Route> Routes::find_bucket(std::string_view bucket) const {
  const auto key = route_key(bucket);
  if (!key) {
    return Status{StatusCode::kInvalidArgument, "the bucket name is empty; name a bucket"};
  }
  if (bucket.size() > limits::kBucketNameBytesMax) {
    return Status{StatusCode::kTooLarge,
                  over_limit("bucket name", bucket.size(), limits::kBucketNameBytesMax)};
  }
  const auto index = table_.find(*key);
  if (!index) {
    return Status{StatusCode::kNoRoute, "could not find an entry for " + byte_text(*key) +
                                            " in the table of " + self_.str() + ": " +
                                            table_.to_string()};
  }
  return Route{destinations_[*index], table_.entries()[*index].range};
}

Result<Route> Routes::find_node(std::string_view name) const {
  if (name == self_.str()) return Route{};
  if (const auto peer = index_of(peers_, name)) return Route{peer, std::nullopt};
  std::string known;
  for (const auto& peer : peers_) known.append(known.empty() ? "" : ", ").append(peer.str());
  return Status{StatusCode::kNoRoute,
                self_.str() + " has no peer " + quoted(name) + "; it has [" + known + "]"};
}

}  // namespace kvmesh::core
