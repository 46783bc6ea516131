#include "node/core/routes.h"

#include <algorithm>

#include <kvmesh/limits.h>

#include "common/route_hash.h"
#include "common/text.h"

namespace kvmesh::core {
Result<Routes> Routes::make(const NodeName& self, const std::vector<NodeName>& peers,
                            RoutingTable table, const std::vector<Via>& vias) {
  Routes routes;
  routes.self_ = self;
  routes.peers_ = peers;
  routes.vias_ = vias;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (peers[i].empty()) continue;
    routes.ways_.emplace_back(peers[i].str(), PeerIndex{static_cast<std::uint16_t>(i)});
  }
  for (const auto& via : vias) routes.ways_.emplace_back(via.node.str(), via.peer);
  std::ranges::sort(routes.ways_);
  for (const auto& entry : table.entries()) {
    const auto peer = routes.way_to(entry.node.str());
    if (!peer && entry.node != self) {
      return Status{StatusCode::kInvalidArgument, "the entry " + entry.range.to_string() +
                                                      " names " + entry.node.str() +
                                                      ", which is neither this node nor a peer"};
    }
    routes.destinations_.push_back(peer);
  }
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
  if (bucket.empty()) {
    return Status{StatusCode::kInvalidArgument, "the bucket name is empty; name a bucket"};
  }
  if (bucket.size() > limits::kBucketNameBytesMax) {
    return Status{StatusCode::kTooLarge,
                  over_limit("bucket name", bucket.size(), limits::kBucketNameBytesMax)};
  }
  const auto found = table_.find(bucket);
  if (!found) {
    auto what = byte_text(static_cast<std::uint8_t>(bucket.front()));
    if (table_.has_hashes()) what += ", " + hash_text(route_hash(bucket)) + ",";
    return Status{StatusCode::kNoRoute, "could not find an entry for " + what +
                                            " in the table of " + self_.str() + ": " +
                                            table_.to_string()};
  }
  return Route{destinations_[found->index], found->match};
}

Result<Route> Routes::find_node(std::string_view name) const {
  if (name == self_.str()) return Route{};
  if (const auto peer = way_to(name)) return Route{peer, std::nullopt};
  return Status{StatusCode::kNoRoute, self_.str() + " has no peer " + in_quotes(name) +
                                          "; it has [" + known_nodes() + "]"};
}

std::optional<PeerIndex> Routes::way_to(std::string_view name) const {
  const auto name_of = [](const auto& way) { return std::string_view{way.first}; };
  const auto found = std::ranges::lower_bound(ways_, name, {}, name_of);
  if (found == ways_.end() || found->first != name) return std::nullopt;
  return found->second;
}

std::string Routes::known_nodes() const {
  std::string out;
  for (const auto& peer : peers_) {
    if (!peer.empty()) out.append(out.empty() ? "" : ", ").append(peer.str());
  }
  for (const auto& via : vias_) {
    out.append(", ").append(via.node.str()).append(" via ").append(peers_[via.peer.value].str());
  }
  return out;
}

}  // namespace kvmesh::core
