#include "node/mesh/twins.h"

#include <kvmesh/limits.h>

namespace kvmesh::mesh {

void Twins::greeted(std::string_view name, std::uint64_t incarnation, std::string_view address,
                    TimePoint now) {
  if (name.empty()) return;
  auto found = newest_.find(name);
  if (found == newest_.end()) {
    // Names come from the other side; those of now are there again when they greet.
    if (newest_.size() >= limits::kMeshClientsMax) newest_.clear();
    found = newest_.emplace(name, Newest{}).first;
  }
  auto& newest = found->second;
  if (newest.incarnation == incarnation) return;
  newest.incarnation = incarnation;
  newest.address = address;
  newest.since = now;
}

std::optional<std::string> Twins::heard(std::string_view name, std::uint64_t incarnation,
                                        TimePoint now) {
  const auto found = newest_.find(name);
  if (found == newest_.end() || found->second.incarnation == incarnation) return std::nullopt;
  auto& newest = found->second;
  if (now - newest.since < kEndTakes || (newest.told && now - *newest.told < kTold)) {
    return std::nullopt;
  }
  newest.told = now;
  return newest.address;
}

}  // namespace kvmesh::mesh
