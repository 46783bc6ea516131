#include "node/core/audit.h"

namespace kvmesh::core {

std::string_view to_string(AuditEvent::Kind kind) {
  using Kind = AuditEvent::Kind;
  switch (kind) {
    case Kind::kConnected:
      return "connected";
    case Kind::kRefused:
      return "refused";
    case Kind::kLoggedIn:
      return "logged_in";
    case Kind::kLoginFailed:
      return "login_failed";
    case Kind::kDenied:
      return "denied";
    case Kind::kAdministered:
      return "administered";
    case Kind::kReloaded:
      return "reloaded";
    case Kind::kEnded:
      return "ended";
  }
  return "unknown";
}

}  // namespace kvmesh::core
