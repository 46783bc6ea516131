// What is odd, though every request is answered.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "client/verify/checks.h"

namespace kvmesh::verify {
namespace {

std::string entry_text(const RouteEntry& entry) {
  return entry.range.short_text() + " -> " + entry.node.str();
}

void find_shadowed(const MeshNode& node, std::vector<Finding>& out) {
  std::vector<std::string> entries;
  for (const auto index : node.table.shadowed()) {
    entries.push_back(entry_text(node.table.entries()[index]));
  }
  if (entries.empty()) return;
  Finding finding;
  finding.kind = FindingKind::kShadowed;
  finding.nodes = {node.name.str()};
  finding.what = node.name.str() + " never uses " + some_of(entries) +
                 ", because earlier entries cover all of it";
  finding.advice = "move it up or remove it in " + node.source;
  out.push_back(std::move(finding));
}

void find_unused_peers(const MeshNode& node, std::vector<Finding>& out) {
  std::unordered_set<std::string_view> used;
  for (const auto& entry : node.table.entries()) used.insert(entry.node.str());
  for (const auto& via : node.vias) used.insert(via.peer.str());
  std::vector<std::string> unused;
  for (const auto& peer : node.peers) {
    if (!used.contains(peer.name.str())) unused.push_back(peer.name.str());
  }
  if (unused.empty()) return;
  Finding finding;
  finding.kind = FindingKind::kUnusedPeer;
  finding.nodes = {node.name.str()};
  finding.what = node.name.str() + " has no entry for its " +
                 (unused.size() == 1 ? "peer " : counted(unused.size(), "", "peers ")) +
                 some_of(unused) + ", so only requests that name it go there";
  finding.advice = "add an entry, or remove the peer in " + node.source;
  out.push_back(std::move(finding));
}

// Whether a request that takes this way is stored, and never at `node` on the way.
bool is_stored_elsewhere(const Atlas& atlas, const std::vector<Step>& steps,
                         const std::vector<std::uint32_t>& way, const NodeName& node) {
  const auto last = way.back();
  if (last >= steps.size() || steps[last].passes_on || steps[last].end != End::kStored) {
    return false;
  }
  return std::ranges::none_of(way, [&](std::uint32_t at) { return atlas.name(at) == node.str(); });
}

// By place, and the place of the via in that node's list.
using PassedBy = std::map<std::pair<std::uint32_t, std::size_t>, Finding>;

// An entry that names a node behind a peer only says which peer is next: that one looks in its own
// table, and may never have heard of the node.
void find_passed_by(const Atlas& atlas, const Cell& cell, PassedBy& found) {
  const auto steps = atlas.steps(cell);
  for (std::uint32_t place = 0; place < atlas.size(); ++place) {
    const MeshNode& node = atlas.node(place);
    const auto entry = steps[place].entry_index;
    if (node.vias.empty() || entry == Step::kNoEntryIndex) continue;
    const auto via =
        std::ranges::find(node.vias, node.table.entries()[entry].node, &ViaSettings::node);
    if (via == node.vias.end()) continue;
    const auto way = way_from(steps, place);
    if (!is_stored_elsewhere(atlas, steps, way, via->node)) continue;
    auto& finding = found[{place, static_cast<std::size_t>(via - node.vias.begin())}];
    if (finding.names.empty()) {
      finding.examples = {
          {example_name(lowest_of(cell.bytes), cell.hashes),
           atlas.way_text(steps, way) + ": " + atlas.name(way.back()) + " stores it"}};
    }
    finding.names.insert(cell.bytes, cell.hashes);
  }
}

void find_passed_by(const Atlas& atlas, std::vector<Finding>& out) {
  PassedBy found;
  for (const auto& cell : atlas.cells()) find_passed_by(atlas, cell, found);
  for (auto& [key, finding] : found) {
    const MeshNode& node = atlas.node(key.first);
    const auto& via = node.vias[key.second];
    finding.kind = FindingKind::kPassedBy;
    finding.nodes = {node.name.str(), via.node.str()};
    finding.from = 1;
    finding.what = node.name.str() + " names " + via.node.str() + " for " +
                   finding.names.to_string() + ", but " + via.peer.str() +
                   ", which leads there, sends them elsewhere";
    finding.advice = "let the table of " + via.peer.str() + " name " + via.node.str() +
                     ", or correct the entry in " + node.source;
    out.push_back(std::move(finding));
  }
}

void find_idle_stores(const Subject& subject, Report& report) {
  std::unordered_set<std::string_view> owners;
  for (const auto& ownership : report.owners) owners.insert(ownership.node);
  for (std::uint32_t place = 0; place < subject.atlas.size(); ++place) {
    const MeshNode& node = subject.atlas.node(place);
    if (!node.stores || owners.contains(node.name.str())) continue;
    Finding finding;
    finding.kind = FindingKind::kIdleStore;
    finding.nodes = {node.name.str()};
    finding.what = node.name.str() + " stores buckets, but no request ends there";
    finding.advice = "lead a range to it, or take \"kv\" from apps in " + node.source;
    report.findings.push_back(std::move(finding));
  }
}

}  // namespace

void find_oddities(const Subject& subject, Report& report) {
  for (std::uint32_t place = 0; place < subject.atlas.size(); ++place) {
    find_shadowed(subject.atlas.node(place), report.findings);
    find_unused_peers(subject.atlas.node(place), report.findings);
  }
  find_passed_by(subject.atlas, report.findings);
  find_idle_stores(subject, report);
}

}  // namespace kvmesh::verify
