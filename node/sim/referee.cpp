#include "node/sim/referee.h"

#include <algorithm>

#include <kvmesh/limits.h>

#include "common/wire/record.h"

namespace kvmesh::sim {
namespace {

struct Path {
  std::size_t nodes = 0;
  bool has_self = false;
};

Path read_path(const RequestView& request, std::string_view self) {
  Path out;
  auto path = request.path;
  while (const auto step = wire::take_path_step(path)) {
    ++out.nodes;
    out.has_self = out.has_self || step->node == self;
  }
  return out;
}

}  // namespace

Referee::Decision Referee::decide(NodeIndex node, const RequestView& request, bool is_over,
                                  bool is_full, Links links) const {
  const auto bucket = request.target.name;
  if (bucket.empty()) return {StatusCode::kInvalidArgument, node};
  if (bucket.size() > limits::kBucketNameBytesMax) return {StatusCode::kTooLarge, node};
  const auto next = tables_.next(node, *Tables::key_of(bucket));
  if (!next) return {StatusCode::kNoRoute, node};
  if (request.body.size() > limits::kBodyBytesMax) return {StatusCode::kTooLarge, node};
  if (is_over) return {StatusCode::kDeadlineExceeded, node};
  if (*next == node) return at_home(node, request);
  const auto path = read_path(request, plan_.nodes[node].name.str());
  if (path.has_self) return {StatusCode::kRouteLoop, *next};
  if (path.nodes >= limits::kHopsMax) return {StatusCode::kTooManyHops, *next};
  const auto link = links(*next);
  if (!link.is_up) return {StatusCode::kUnavailable, *next};
  const auto& network = plan_.network;
  const auto requests_max =
      std::min<std::uint64_t>(network.window_requests, limits::kInFlightPerLinkMax);
  const auto bytes_max =
      std::min<std::uint64_t>(network.window_bytes, limits::kInFlightBytesPerLinkMax);
  if (is_full || link.requests >= requests_max || link.bytes + request.body.size() > bytes_max ||
      link.unsent_bytes > bytes_max) {
    return {StatusCode::kOverloaded, *next};
  }
  return {StatusCode::kOk, *next};
}

// A gate has the module `node` only.
Referee::Decision Referee::at_home(NodeIndex node, const RequestView& request) const {
  const bool is_there = plan_.nodes[node].stores || request.function.starts_with("node.");
  return {is_there ? StatusCode::kOk : StatusCode::kUndefinedFunction, node};
}

}  // namespace kvmesh::sim
