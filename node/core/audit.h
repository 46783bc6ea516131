#pragma once

#include <cstdint>
#include <string_view>

namespace kvmesh::core {

/// What an operator wants to know later about who did what. A view: lives until the call returns.
/// Never holds a value, a secret or a whole key.
struct AuditEvent {
  enum class Kind : std::uint8_t {
    kConnected,     ///< a principal has proved who it is, by its key or certificate
    kRefused,       ///< a connection was not let in
    kLoggedIn,      ///< AUTH was right
    kLoginFailed,   ///< AUTH was wrong
    kDenied,        ///< a request was beyond what its principal may do
    kAdministered,  ///< a request that needs the right to administer was executed
    kReloaded,      ///< the principals were read again, or were refused
    kEnded,         ///< a connection was ended by this node: revoked, a flood
  };
  Kind kind = Kind::kConnected;
  std::string_view principal;    // empty: not known
  std::string_view fingerprint;  // of its key (security::PublicKey::fingerprint); empty: none
  std::string_view from;         // an address
  std::string_view via;          // the node that vouched; empty: its own connection
  std::string_view what;         // "kv.put", or in words what was refused and why
  std::string_view bucket;       // empty: none is concerned
};

/// "login_failed".
std::string_view to_string(AuditEvent::Kind kind);

/// Where such events go. Thread-safe; never blocks.
class Audit {
 public:
  virtual ~Audit() = default;
  virtual void tell(const AuditEvent& event) = 0;

 protected:
  Audit() = default;
  Audit(const Audit&) = default;
  Audit& operator=(const Audit&) = default;
};

}  // namespace kvmesh::core
