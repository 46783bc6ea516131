#include "node/stream/identity.h"

#include <algorithm>

namespace kvmesh::stream {

bool still_holds(const Identity& identity, const security::Principals& now) {
  if (identity.user.empty()) return true;
  const auto* user = now.find(identity.user);
  if (user == nullptr || user->is_node) return false;
  switch (identity.proof) {
    case Identity::Proof::kPassword:
      return user->password_hash == identity.password_hash;
    case Identity::Proof::kToken:
      return std::ranges::find(user->tokens, identity.token) != user->tokens.end();
    case Identity::Proof::kCertificate:
    case Identity::Proof::kNone:
      break;
  }
  return identity.proof == Identity::Proof::kCertificate;
}

}  // namespace kvmesh::stream
