#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/verify/ends.h"
#include "client/verify/mesh_model.h"
#include "client/verify/name_set.h"

namespace kvmesh::verify {

/// Names of buckets that all nodes treat alike: those that begin with one of the bytes and have one
/// of the hashes. Neither is empty.
struct Cell {
  RouteKeys bytes;
  RouteKeys hashes;
};

/// The nodes of a model by number, with the nodes that their tables name looked up once. Of
/// several nodes of one name only the first is here. After the described ones follow the nodes
/// that are only named. The model must outlive it; immutable.
class Atlas {
 public:
  explicit Atlas(const MeshModel& model);

  /// How many nodes are described: places 0 .. size()-1.
  std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }
  const MeshNode& node(std::uint32_t place) const { return *nodes_[place]; }
  /// Of any place.
  const std::string& name(std::uint32_t place) const { return names_[place]; }
  /// Where a described node stands.
  std::optional<std::uint32_t> find(std::string_view name) const;

  /// All names, in parts that no table tells apart; the lowest byte of each is above that of the
  /// one before, or the same.
  const std::vector<Cell>& cells() const { return cells_; }
  /// What each node does with a request for a bucket of the cell.
  std::vector<Step> steps(const Cell& cell) const;
  /// What the node at `place` does with a request for the node `target`.
  Step step_to(std::uint32_t place, std::string_view target) const;

  /// The entry of a step as tables have it, "a..m"; empty when there is none.
  std::string entry_text(std::uint32_t place, const Step& step) const;
  /// "foo@h (a..m) -> bar@h (*) -> baz@h" for a way that way_from() or circle_of() gave.
  std::string way_text(const std::vector<Step>& steps, const std::vector<std::uint32_t>& way) const;

 private:
  struct Way {
    std::uint32_t place = 0;  // the next node
    bool has_address = false;
  };
  struct Ways {  // of one node
    std::unordered_map<std::string_view, Way> by_name;
    std::vector<Step> entries;  // what each entry of the table says
  };

  std::uint32_t place_of(const std::string& name);
  std::vector<Cell> divide() const;
  std::unordered_map<std::string_view, Way> ways_of(const MeshNode& node);

  std::vector<const MeshNode*> nodes_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint32_t> places_;
  std::vector<Ways> ways_;
  std::vector<Cell> cells_;
};

/// How a request ends that is for a node, not a bucket, and the nodes that it passes: `start`
/// first, the one where it ends last.
struct NodeWay {
  std::vector<std::uint32_t> way;
  /// kStored when it reaches the node; kNoWay when the last one does not know it. kUndescribed: the
  /// last may well be the node itself.
  End end = End::kStored;
};

/// By the rules of the nodes' loop guard and hop limit. REQUIRES: `start` is described.
NodeWay way_to(const Atlas& atlas, std::uint32_t start, std::string_view target);

}  // namespace kvmesh::verify
