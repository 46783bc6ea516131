#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/status.h>

#include "common/config/faults.h"
#include "common/rights.h"
#include "common/security/keys.h"
#include "common/security/secrets.h"

/// Who may do what: what security.toml says (config/SECURITY.md).
namespace kvmesh::security {

/// The SHA-256 of a certificate's public key (its SubjectPublicKeyInfo).
using CertificatePin = std::array<std::uint8_t, 32>;

/// One that asks: a node or a user. Names of nodes hold an `@`, names of users do not, so that a
/// name alone says which it is.
struct Principal {
  std::string name;
  bool is_node = false;
  std::vector<PublicKey> keys;
  /// Of a user: what it may do. Of a node: its ceiling, what it may do and pass on at most.
  Rights rights;

  // Of a node.
  bool may_vouch = true;  // its word is taken for whom it asks
  std::string address;    // where clients find it; empty: not told

  // Of a user, for the line protocol.
  std::string password_hash;  // empty: none
  std::vector<TokenDigest> tokens;
  std::vector<CertificatePin> certificates;

  friend bool operator==(const Principal&, const Principal&) = default;
};

/// kInvalidArgument with what a user's name is made of: 1 to 64 letters, digits, `_`, `-` and `.`,
/// beginning with a letter.
Status check_user_name(std::string_view name);

/// All that may ask anything of a mesh, and what each may do. Immutable; thread-safe.
class Principals {
 public:
  /// Reads a file as a whole, or refuses it as a whole: kInvalidArgument, whose text holds every
  /// fault, one a line, as `FILE:LINE: KEY: what is wrong; what to do`. Does I/O.
  static Result<std::shared_ptr<const Principals>> load(const std::string& path);
  /// The same of a text that stands at `path`. What is odd, though not wrong, goes to `warnings`.
  static Result<std::shared_ptr<const Principals>> parse(std::string_view text,
                                                         const std::string& path,
                                                         config::Faults& warnings);

  /// Whose key this is; null: nobody's, or it is revoked.
  const Principal* by_key(const PublicKey& key) const;
  /// Whose certificate has this public key; null: nobody's.
  const Principal* by_certificate(const CertificatePin& pin) const;
  /// Null when there is none of this name.
  const Principal* find(std::string_view name) const;
  /// Who has proved nothing: a client of the line protocol before AUTH.
  const Principal& anonymous() const { return anonymous_; }
  bool is_revoked(const PublicKey& key) const;
  /// In their order.
  const std::vector<PublicKey>& revoked() const { return revoked_; }
  /// By their names.
  const std::map<std::string, Principal, std::less<>>& all() const { return all_; }
  /// What is odd with the file, though not wrong: a line each.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend class PrincipalsReader;
  Principals() = default;

  std::map<std::string, Principal, std::less<>> all_;
  Principal anonymous_;
  std::map<PublicKey, const Principal*> by_key_;  // without those that are revoked
  std::map<CertificatePin, const Principal*> by_certificate_;
  std::vector<PublicKey> revoked_;  // in order
  std::vector<std::string> warnings_;
};

}  // namespace kvmesh::security
