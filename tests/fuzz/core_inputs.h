#pragma once

#include <array>
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
  static constexpr std::array<ByteRange, 4> kRanges = {
      {{'a', 'l'}, {'m', 'z'}, {0, 255}, {'z', 'z'}}};
  std::vector<RouteEntry> entries;
  for (auto count = input.below(5); count > 0; --count) {
    entries.push_back({kRanges[input.below(kRanges.size())],
                       *NodeName::parse(kNames[input.below(kNames.size())])});
  }
  return RoutingTable{std::move(entries)};
}

}  // namespace kvmesh::fuzz
