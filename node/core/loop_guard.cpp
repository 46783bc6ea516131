#include "node/core/loop_guard.h"

#include <optional>
#include <string>

#include <kvmesh/limits.h>

#include "common/wire/record.h"

namespace kvmesh::core {
namespace {

void append_step(std::string& out, std::string_view node, std::string_view entry) {
  out.append(node);
  if (!entry.empty()) out.append(" (").append(entry).append(")");
  out.append(" -> ");
}

// "foo@a (a..m) -> bar@b (*) -> foo@a", from the path after the point where `self` stands on it.
// Requests for a node go by no entry: "foo@a -> bar@b -> foo@a".
std::string describe_cycle(std::string_view path, std::string_view self, std::string_view entry) {
  std::string out;
  append_step(out, self, entry);
  while (const auto step = wire::take_path_step(path)) append_step(out, step->node, step->entry);
  return out.append(self);
}

Status loop_of(const Target& target, const std::string& cycle) {
  if (target.kind == Target::Kind::kNode) {
    return {StatusCode::kRouteLoop, "the via entries for " + std::string{target.name} +
                                        " send this request in a loop: " + cycle +
                                        "; change one of them"};
  }
  return {StatusCode::kRouteLoop,
          "the tables send this request in a loop: " + cycle + "; change one of these entries"};
}

}  // namespace

Status check_path(const RequestView& request, std::string_view self, std::string_view entry) {
  std::string_view path = request.path;
  while (const auto step = wire::take_path_step(path)) {
    if (step->node != self) continue;
    return loop_of(request.target, describe_cycle(path, self, step->entry));
  }
  if (request.hops >= limits::kHopsMax) {
    const auto by = entry.empty() ? std::string{} : " by " + std::string{entry};
    return {StatusCode::kTooManyHops, "after " + std::to_string(request.hops) + " hops " +
                                          std::string{self} + " would pass the request on" + by +
                                          "; the limit is " + std::to_string(limits::kHopsMax)};
  }
  return {};
}

}  // namespace kvmesh::core
