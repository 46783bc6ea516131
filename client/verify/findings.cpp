#include "client/verify/findings.h"

namespace kvmesh::verify {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kSameName:
      return "same name";
    case Kind::kAddress:
      return "address";
    case Kind::kHole:
      return "hole";
    case Kind::kLoop:
      return "loop";
    case Kind::kDeadEnd:
      return "dead end";
    case Kind::kTooManyHops:
      return "too many hops";
    case Kind::kSplitBrain:
      return "split brain";
    case Kind::kVia:
      return "via";
    case Kind::kPassedBy:
      return "passed by";
    case Kind::kShadowed:
      return "shadowed";
    case Kind::kUnusedPeer:
      return "unused peer";
    case Kind::kIdleStore:
      return "idle store";
    case Kind::kStray:
      return "stray";
  }
  return "";
}

Severity severity_of(Kind kind) {
  return kind < Kind::kPassedBy ? Severity::kFault : Severity::kWarning;
}

std::string some_of(const std::vector<std::string>& names, std::size_t shown_max) {
  std::string out;
  // One more by its name is as short as "and 1 more".
  const auto shown = names.size() <= shown_max + 1 ? names.size() : shown_max;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += names[i];
  }
  if (shown < names.size()) out += " and " + std::to_string(names.size() - shown) + " more";
  return out;
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string{count == 1 ? one : many};
}

}  // namespace kvmesh::verify
