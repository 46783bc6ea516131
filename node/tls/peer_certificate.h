#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/security/current_principals.h"
#include "node/tls/openssl.h"

namespace kvmesh::tls {

/// What a client's certificate says of who it is. That the client has its private key is proved by
/// the handshake.
struct PeerCertificate {
  security::CertificatePin pin{};
  /// Names that an authority of ours answers for: of type DNS, or the common name when there are
  /// none. Empty when no authority has signed it.
  std::vector<std::string> names;
};

/// Reads a certificate. Nothing when it is broken. `is_signed`: an authority of ours answers for
/// its names.
std::optional<PeerCertificate> read_peer(X509* certificate, bool is_signed);

/// Whose certificate it is: a user's name. Empty without users, for one that is signed; nothing
/// when it is nobody's. Thread-safe.
using Identify = std::function<std::optional<std::string>(const PeerCertificate&)>;

/// By the principals in force, which outlive it; null: there are no users.
Identify identify_by(const security::CurrentPrincipals* principals);
/// By the principals: a user that has this pin, else the one user that is among the names.
std::optional<std::string> user_of(const security::Principals& principals,
                                   const PeerCertificate& certificate);

}  // namespace kvmesh::tls
