#include "client/verify/atlas.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::verify {

Atlas::Atlas(const MeshModel& model) {
  for (const auto& node : model.nodes) {
    const auto place = static_cast<std::uint32_t>(nodes_.size());
    if (!places_.emplace(node.name.str(), place).second) continue;
    nodes_.push_back(&node);
    names_.push_back(node.name.str());
  }
  for (std::uint32_t self = 0; self < nodes_.size(); ++self) {
    ways_.push_back({ways_of(*nodes_[self]), {}});
    const auto& entries = nodes_[self]->table.entries();
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
      Step step = step_to(self, entries[i].node.str());
      step.entry_index = i;
      ways_.back().entries.push_back(step);
    }
  }
  cells_ = divide();
}

namespace {

// Numbers that are the same for those of 256 things of which `told` says the same.
template <typename Told>
std::vector<RouteKeys> alike(const Told& told) {
  std::map<decltype(told(std::uint8_t{0})), RouteKeys> groups;
  for (unsigned value = 0; value < 256; ++value) {
    groups[told(static_cast<std::uint8_t>(value))].set(value);
  }
  std::vector<RouteKeys> out;
  out.reserve(groups.size());
  for (const auto& [key, group] : groups) out.push_back(group);
  std::ranges::sort(out, {}, lowest_of);
  return out;
}

}  // namespace

// Hashes tell names apart only where some node's table leaves the byte to them.
std::vector<Cell> Atlas::divide() const {
  constexpr std::size_t kNobody = limits::kRoutingEntriesMax;
  const auto by_byte = alike([&](std::uint8_t byte) {
    std::vector<std::size_t> out;
    for (const auto* node : nodes_) out.push_back(node->table.find(byte).value_or(kNobody));
    return out;
  });
  std::vector<Cell> out;
  for (const auto& bytes : by_byte) {
    const auto byte = lowest_of(bytes);
    const auto by_hash = alike([&](std::uint8_t hash) {
      std::vector<std::size_t> entries;
      for (const auto* node : nodes_) {
        const auto& table = node->table;
        if (table.find(byte) || !table.has_hashes()) continue;
        entries.push_back(table.find(byte, hash).value_or(kNobody));
      }
      return entries;
    });
    for (const auto& hashes : by_hash) out.push_back({bytes, hashes});
  }
  return out;
}

// The place of a node that somebody names; one that nothing describes gets a place of its own.
std::uint32_t Atlas::place_of(const std::string& name) {
  const auto [found, is_new] = places_.emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (is_new) names_.push_back(name);
  return found->second;
}

std::unordered_map<std::string_view, Atlas::Way> Atlas::ways_of(const MeshNode& node) {
  std::unordered_map<std::string_view, Way> out;
  for (const auto& peer : node.peers) {
    out.emplace(peer.name.str(), Way{place_of(peer.name.str()), !peer.address.empty()});
  }
  for (const auto& via : node.vias) {
    const auto peer = out.find(via.peer.str());
    if (peer != out.end()) out.emplace(via.node.str(), peer->second);
  }
  return out;
}

// As node/core/routes.cpp decides it; a request that names the node itself ends there.
Step Atlas::step_to(std::uint32_t place, std::string_view target) const {
  const MeshNode& node = *nodes_[place];
  const auto& ways = ways_[place].by_name;
  Step step;
  step.place = place;
  if (target == node.name.str()) {
    step.end = node.stores ? End::kStored : End::kNotStored;
    return step;
  }
  const auto way = ways.find(target);
  if (way == ways.end() || !way->second.has_address) {
    step.end = End::kNoWay;
    return step;
  }
  step.passes_on = true;
  step.place = way->second.place;
  return step;
}

std::optional<std::uint32_t> Atlas::find(std::string_view name) const {
  const auto found = places_.find(std::string{name});
  if (found == places_.end() || found->second >= size()) return std::nullopt;
  return found->second;
}

std::vector<Step> Atlas::steps(const Cell& cell) const {
  std::vector<Step> out(nodes_.size());
  const auto byte = lowest_of(cell.bytes);
  const auto hash = lowest_of(cell.hashes);
  for (std::uint32_t place = 0; place < out.size(); ++place) {
    const auto entry = nodes_[place]->table.find(byte, hash);
    if (entry) {
      out[place] = ways_[place].entries[*entry];
    } else {
      out[place].place = place;
    }
  }
  return out;
}

std::string Atlas::entry_text(std::uint32_t place, const Step& step) const {
  if (step.entry_index == Step::kNoEntryIndex) return {};
  return nodes_[place]->table.entries()[step.entry_index].range.short_text();
}

std::string Atlas::way_text(const std::vector<Step>& steps,
                            const std::vector<std::uint32_t>& way) const {
  std::string out;
  for (std::size_t i = 0; i < way.size(); ++i) {
    if (i > 0) out += " -> ";
    out += name(way[i]);
    if (i + 1 == way.size()) break;
    const auto entry = entry_text(way[i], steps[way[i]]);
    if (!entry.empty()) out += " (" + entry + ")";
  }
  return out;
}

// The guard looks at the path before it counts the hops.
NodeWay way_to(const Atlas& atlas, std::uint32_t start, std::string_view target) {
  std::vector<std::uint32_t> way{start};
  while (way.back() < atlas.size()) {
    const auto step = atlas.step_to(way.back(), target);
    if (!step.passes_on) {
      return {std::move(way), step.end == End::kNoWay ? End::kNoWay : End::kStored};
    }
    if (way.size() > limits::kHopsMax) return {std::move(way), End::kTooManyHops};
    const bool again = std::ranges::find(way, step.place) != way.end();
    way.push_back(step.place);
    if (again) return {std::move(way), End::kLoop};
  }
  return {std::move(way), End::kUndescribed};
}

}  // namespace kvmesh::verify
