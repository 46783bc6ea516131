#include "node/sim/told_revisions.h"

#include <iterator>

namespace kvmesh::sim {

std::string ToldRevisions::change(std::uint32_t bucket, std::uint64_t execution,
                                  store::Revision rev) {
  return add(bucket, execution, {rev, true});
}

std::string ToldRevisions::seen(std::uint32_t bucket, std::uint64_t execution,
                                store::Revision rev) {
  return add(bucket, execution, {rev, false});
}

std::optional<store::Revision> ToldRevisions::of(std::uint32_t bucket,
                                                 std::uint64_t execution) const {
  const auto of_bucket = told_.find(bucket);
  if (of_bucket == told_.end()) return std::nullopt;
  const auto at = of_bucket->second.find(execution);
  if (at == of_bucket->second.end() || !at->second.is_change) return std::nullopt;
  return at->second.rev;
}

std::string ToldRevisions::add(std::uint32_t bucket, std::uint64_t execution, Told told) {
  auto& all = told_[bucket];
  const auto [at, is_new] = all.emplace(execution, told);
  const auto revision = "tells the revision " + std::to_string(told.rev);
  if (!is_new) {
    if (at->second.rev == told.rev) return {};
    return revision + " of what had " + std::to_string(at->second.rev) + " before";
  }
  if (at != all.begin()) {
    const auto& earlier = std::prev(at)->second;
    if (told.rev < earlier.rev || (told.is_change && told.rev == earlier.rev)) {
      return revision + " after " + std::to_string(earlier.rev) + " of the same bucket";
    }
  }
  if (const auto next = std::next(at); next != all.end()) {
    const auto& later = next->second;
    if (later.rev < told.rev || (later.is_change && later.rev == told.rev)) {
      return revision + " of what was before " + std::to_string(later.rev) + " of the same bucket";
    }
  }
  return {};
}

}  // namespace kvmesh::sim
