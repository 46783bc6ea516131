#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/security/principals.h"

namespace kvmesh::stream {

/// Who a client has proved to be, and by what.
struct Identity {
  enum class Proof : std::uint8_t {
    kNone,         // nobody: the client is anonymous
    kPassword,     // the one of `password_hash`
    kToken,        // the one of `token`
    kCertificate,  // that it has shown in the handshake of TLS
  };
  Proof proof = Proof::kNone;
  std::string user;  // empty: anonymous
  /// Those that were in force when it was looked at last.
  std::shared_ptr<const security::Principals> principals;
  std::string password_hash;
  security::TokenDigest token{};

  /// Who it is among `principals`, which must know it.
  const security::Principal& principal() const {
    return user.empty() ? principals->anonymous() : *principals->find(user);
  }
};

/// Would the same proof be taken by `now`? Not for a certificate: that is tls::user_of()'s to say.
bool still_holds(const Identity& identity, const security::Principals& now);

}  // namespace kvmesh::stream
