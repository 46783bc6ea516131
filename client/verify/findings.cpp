#include "client/verify/findings.h"

namespace kvmesh::verify {

std::string_view to_string(FindingKind kind) {
  switch (kind) {
    case FindingKind::kSameName:
      return "same name";
    case FindingKind::kAddress:
      return "address";
    case FindingKind::kHole:
      return "hole";
    case FindingKind::kLoop:
      return "loop";
    case FindingKind::kDeadEnd:
      return "dead end";
    case FindingKind::kTooManyHops:
      return "too many hops";
    case FindingKind::kSplitBrain:
      return "split brain";
    case FindingKind::kVia:
      return "via";
    case FindingKind::kKeys:
      return "keys";
    case FindingKind::kPassedBy:
      return "passed by";
    case FindingKind::kShadowed:
      return "shadowed";
    case FindingKind::kUnusedPeer:
      return "unused peer";
    case FindingKind::kIdleStore:
      return "idle store";
    case FindingKind::kStray:
      return "stray";
    case FindingKind::kCeiling:
      return "ceiling";
    case FindingKind::kPrincipals:
      return "principals";
  }
  return "";
}

Severity severity_of(FindingKind kind) {
  return kind < FindingKind::kPassedBy ? Severity::kFault : Severity::kWarning;
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
