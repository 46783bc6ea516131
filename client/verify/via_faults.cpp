// Requests that name a node behind a peer: does that peer know the rest of the way?
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "client/verify/checks.h"

namespace kvmesh::verify {
namespace {

std::string names_of(const Atlas& atlas, const std::vector<std::uint32_t>& way) {
  std::string out;
  for (const auto place : way) out.append(out.empty() ? "" : " -> ").append(atlas.name(place));
  return out;
}

Finding told(const Atlas& atlas, const NodeWay& to_node, const std::string& target) {
  const auto& [way, end] = to_node;
  const std::string& last = atlas.name(way.back());
  const MeshNode& first = atlas.node(way.front());
  Finding out;
  out.kind = FindingKind::kVia;
  out.nodes = {target};
  out.from = 1;
  out.advice = "correct the via of " + target + " in " + first.source;
  std::string why;
  if (end == End::kLoop) {
    out.what = "requests that name " + target + " go in a loop";
    why = last + " had it before";
  } else if (end == End::kTooManyHops) {
    out.what = "requests that name " + target + " are passed on too often";
    why = last + " may not pass it on";
  } else if (end == End::kUndescribed) {
    out.what = "requests that name " + target + " lead to " + last + ", of which nothing is known";
    why = "nothing is known of " + last;
  } else {
    out.what = "requests that name " + target + " end at " + last + ", which does not know it";
    why = last + " knows no way to " + target;
    out.advice = "give " + last + " (" + atlas.node(way.back()).source + ") " + target +
                 " as a peer or by a via, or correct its via in " + first.source;
  }
  out.examples = {{"", names_of(atlas, way) + ": " + why}};
  return out;
}

}  // namespace

void find_via_faults(const Subject& subject, std::vector<Finding>& out) {
  const Atlas& atlas = subject.atlas;
  std::map<std::pair<std::string, std::uint32_t>, Finding> found;  // by target and where it ends
  for (std::uint32_t start = 0; start < atlas.size(); ++start) {
    for (const auto& via : atlas.node(start).vias) {
      const std::string& target = via.node.str();
      const auto to_node = way_to(atlas, start, target);
      const auto& [way, end] = to_node;
      // The last step may lead to the target itself, of which nothing need be known.
      if (end == End::kStored || (end == End::kUndescribed && atlas.name(way.back()) == target)) {
        continue;
      }
      const auto last = end == End::kLoop ? *std::ranges::min_element(way) : way.back();
      const auto [finding, is_new] = found.try_emplace({target, last});
      if (is_new) {
        finding->second = told(atlas, to_node, target);
      } else {
        ++finding->second.from;
      }
    }
  }
  for (auto& [key, finding] : found) out.push_back(std::move(finding));
}

}  // namespace kvmesh::verify
