#include "node/core/loop_guard.h"

#include <optional>
#include <string>

#include <kvmesh/limits.h>

#include "common/wire/record.h"

namespace kvmesh::core {
namespace {

// "foo@a (a..m) -> bar@b (*) -> foo@a", from the path behind the point where `self` stands on it.
std::string describe_cycle(std::string_view path, std::string_view self, std::string_view entry) {
  std::string out{self};
  out.append(" (").append(entry).append(")");
  while (const auto step = wire::take_path_step(path)) {
    out.append(" -> ").append(step->node).append(" (").append(step->entry).append(")");
  }
  return out.append(" -> ").append(self);
}

}  // namespace

Status check_path(const RequestView& request, std::string_view self, std::string_view entry) {
  std::string_view path = request.path;
  while (const auto step = wire::take_path_step(path)) {
    if (step->node != self) continue;
    return {StatusCode::kRouteLoop,
            "the tables send this request in a circle: " + describe_cycle(path, self, step->entry) +
                "; change one of these entries"};
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
