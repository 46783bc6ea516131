#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/request.h"
#include "common/routing_table.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "tests/fuzz/core_node.h"
#include "tests/fuzz/input.h"

/// Requests and tables, as an input decides.
namespace kvmesh::fuzz {

inline constexpr std::array kNames = {"a@h", "b@h", "c@h", "d@h"};
inline constexpr std::array kBuckets = {"alpha", "mike", "zulu", ""};

/// The request with this number, built in `body`; tells `fate` what to expect of it.
inline RequestView any_request(Input& input, wire::Buffer& body, std::size_t number, Fate& fate) {
  static constexpr std::array kFunctions = {"t.run",   "t.together", "t.fail",   "t.defer",
                                            "t.throw", "t.throw_7",  "t.silent", "t.none",
                                            "kv.put",  "kv.get",     "kv.count", "kv.keys"};
  static constexpr std::array<std::uint64_t, 8> kTimeouts = {
      5000, 100, 0, 1, 2, 10000, std::uint64_t{1} << 40, ~std::uint64_t{0}};
  Target target;
  switch (input.below(4)) {
    case 0:
    case 1:
      target = {Target::Kind::kBucket, kBuckets[input.below(kBuckets.size())]};
      break;
    case 2:
      target = {Target::Kind::kNode, kNames[input.below(kNames.size())]};
      break;
    default:
      break;
  }
  const std::string_view function = kFunctions[input.below(kFunctions.size())];
  auto request = wire::make_request(body, target, function, [&](wire::Buffer& out) {
    const auto key = std::to_string(number);
    wire::pack_array(out, function == "kv.put" ? 2 : 1);
    function.starts_with("kv") ? wire::pack_bin(out, key) : wire::pack_uint(out, number);
    if (function == "kv.put") wire::pack_bin(out, key);
  });
  fate.has_effect = function == "t.run" || function == "t.together" || function == "t.defer" ||
                    function == "kv.put";
  request.timeout_ms = kTimeouts[input.below(kTimeouts.size())];
  request.flags = input.below(4);
  return request;
}

/// At times a path, as of a client that says where its request has been.
inline void add_any_path(Input& input, RequestView& request, wire::Buffer& path) {
  if (input.below(4) != 0) return;
  request.hops = input.below(limits::kHopsMax + 1);
  for (std::uint32_t i = 0; i < request.hops; ++i) {
    wire::pack_str(path, i == 3 ? kNames[input.below(kNames.size())] : "x@h");
    wire::pack_str(path, "*");
  }
  request.path = path.view();
}

inline RoutingTable any_table(Input& input) {
  static const std::array<RouteRange, 6> kRanges = {
      ByteRange{'a', 'l'},
      ByteRange{'m', 'z'},
      ByteRange{},
      ByteRange{'z', 'z'},
      RouteRange::of_hashes(RouteRange{ByteRange{0, 0x7f}}.keys()),
      RouteRange::of_hashes(RouteRange{}.keys())};
  std::vector<RouteEntry> entries;
  for (auto count = input.below(5); count > 0; --count) {
    entries.push_back({kRanges[input.below(kRanges.size())],
                       *NodeName::parse(kNames[input.below(kNames.size())])});
  }
  std::stable_partition(entries.begin(), entries.end(),
                        [](const RouteEntry& entry) { return !entry.range.is_by_hash(); });
  return RoutingTable{std::move(entries)};
}

inline core::Core::Window any_window(Input& input) {
  static constexpr std::array<core::Core::Window, 4> kWindows = {
      {{1000, 100000}, {2, 100000}, {1000, 60}, {~std::uint64_t{0}, ~std::uint64_t{0}}}};
  return kWindows[input.below(kWindows.size())];
}

inline std::chrono::milliseconds any_time(Input& input) {
  static constexpr std::array<int, 8> kTimes = {1, 3, 8, 50, 99, 1000, 9000, 3'600'000};
  return std::chrono::milliseconds{kTimes[input.below(kTimes.size())]};
}

/// Other peers among the first `nodes` names, and of the vias those that are possible still.
inline void change_peers(Input& input, const std::string& self, std::size_t nodes,
                         core::Topology& next) {
  std::vector<NodeName> peers;
  for (std::size_t i = 0; i < nodes; ++i) {
    if (kNames[i] != self && input.below(4) != 0) peers.push_back(*NodeName::parse(kNames[i]));
  }
  next.peers = core::placed(next.peers, peers);
  std::erase_if(next.vias, [&](const core::Via& via) {
    return std::ranges::find(peers, via.node) != peers.end() || next.peers[via.peer.value].empty();
  });
}

/// Whether a node may take it over: its table names that node, peers and nodes of vias only.
inline bool is_sound(const std::string& self, const core::Topology& topology) {
  return std::ranges::all_of(topology.table.entries(), [&](const RouteEntry& entry) {
    return entry.node.str() == self ||
           std::ranges::find(topology.peers, entry.node) != topology.peers.end() ||
           std::ranges::find(topology.vias, entry.node, &core::Via::node) != topology.vias.end();
  });
}

/// What the node's shell does when its core has taken it over: the links of places that changed
/// hands are new ones. Replies of the peers that went may still come.
inline void take_topology(Node& node, core::Topology next) {
  node.wires.resize(next.peers.size());
  for (std::size_t place = 0; place < next.peers.size(); ++place) {
    auto& wire = node.wires[place];
    const auto found = std::ranges::find(kNames, next.peers[place].str());  // the end: it is free
    const auto to = static_cast<std::size_t>(found - kNames.begin());
    if (wire.to == to) continue;
    wire.to = to;
    wire.takes_requests = false;
    wire.unsent.clear();
    wire.requests.clear();
    check(node.core().in_flight_over(PeerIndex{static_cast<std::uint16_t>(place)}) == 0,
          "nothing is in flight over a place that changed hands");
  }
  node.take(std::move(next.vias), next.table);
}

}  // namespace kvmesh::fuzz
