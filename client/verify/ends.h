#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kvmesh::verify {

/// What becomes of a request, as the node where it ends decides it.
enum class End : std::uint8_t {
  kStored,     ///< executed by a node that stores buckets
  kNoEntry,    ///< no_route: the table has no entry for the byte
  kNotStored,  ///< undefined_function: the node's table names the node itself, but it has no store
  kNoWay,      ///< the node knows no way to the node that is named
  kUndescribed,  ///< passed to a node that nothing is known of
  kLoop,         ///< route_loop
  kTooManyHops,  ///< too_many_hops
};

/// What one node does with a request: passes it to `place`, or ends it (then kLoop and
/// kTooManyHops, which take more than one node, do not occur). Places are numbers of nodes; those
/// from the number of steps on are nodes that nothing is known of.
struct Step {
  static constexpr std::uint32_t kNoEntryIndex = 0xffffffff;
  bool passes_on = false;
  End end = End::kNoEntry;
  std::uint32_t place = 0;                    // where it is passed to; else the node itself
  std::uint32_t entry_index = kNoEntryIndex;  // of the table's entry that said so
};

/// How a request ends that enters at some node.
struct Ending {
  End end = End::kNoEntry;
  /// The node where it ends. The circle's lowest number for kLoop; for kTooManyHops the place where
  /// it would have ended without the limit.
  std::uint32_t place = 0;
  std::uint32_t hops = 0;  // how often it is passed on
  friend bool operator==(const Ending&, const Ending&) = default;
};

/// The ending for each node, from what each of them does: exactly what the nodes' own loop guard
/// and hop limit (limits::kHopsMax) make of it. Takes time in proportion to the number of nodes.
std::vector<Ending> endings(std::span<const Step> steps);

/// The nodes that a request passes from `start` on, `start` included, up to the end or, on a
/// circle, the first node met again; at most limits::kHopsMax + 1 of them.
std::vector<std::uint32_t> way_from(std::span<const Step> steps, std::uint32_t start);

/// The nodes of the circle that `start` stands on, beginning and ending with it. REQUIRES: it does.
std::vector<std::uint32_t> circle_of(std::span<const Step> steps, std::uint32_t start);

}  // namespace kvmesh::verify
