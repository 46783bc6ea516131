#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "node/store/revision.h"

namespace kvmesh::sim {

/// The revisions of which one node has told anybody, over all its lives. Those of a bucket's
/// changes must rise in the order in which the changes were made: no matter whether the bucket was
/// dropped, or the node killed meanwhile.
class ToldRevisions {
 public:
  // What follows answers what is wrong; empty: nothing. `execution`: in the node's order.

  /// The change that this execution made has that revision.
  std::string change(std::uint32_t bucket, std::uint64_t execution, store::Revision rev);
  /// This execution found the last change of the bucket to have that revision.
  std::string seen(std::uint32_t bucket, std::uint64_t execution, store::Revision rev);

  /// The revision of its change, if anybody was told.
  std::optional<store::Revision> of(std::uint32_t bucket, std::uint64_t execution) const;

 private:
  struct Told {
    store::Revision rev = 0;
    bool is_change = false;
  };
  std::string add(std::uint32_t bucket, std::uint64_t execution, Told told);

  std::unordered_map<std::uint32_t, std::map<std::uint64_t, Told>> told_;  // by execution
};

}  // namespace kvmesh::sim
