#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "common/config/settings.h"
#include "node/tls/openssl.h"
#include "node/tls/peer_certificate.h"

namespace kvmesh::tls {

/// What all TLS sessions of a port share: certificate, private key, authorities, the rules of the
/// protocol. Immutable; thread-safe. Sessions keep it alive.
class Context {
 public:
  /// Reads the files that `settings` names; does I/O. kInvalidArgument, with the setting, the file,
  /// what is wrong and what to do: one cannot be read, holds no certificate or no key, the key does
  /// not fit, the certificate is not valid yet or any more. `identify` is called on whichever
  /// thread does a handshake.
  static Result<std::shared_ptr<const Context>> load(const Settings::Tls& settings,
                                                     Identify identify);

  /// A session of a client; null when there is no memory for one.
  Owned<SSL> make_session() const;
  struct Peer {
    std::string user;  // empty: nobody, and it need not be
    PeerCertificate certificate;
  };
  /// Who the client of a finished handshake is. Nothing when its certificate is nobody's any more.
  std::optional<Peer> peer_of(SSL* session) const;
  /// May clients show certificates?
  bool asks_clients() const { return asks_; }

  /// Whether the other one was made of the same certificates and authorities.
  bool is_same(const Context& other) const {
    return certificates_pem_ == other.certificates_pem_ && ca_pem_ == other.ca_pem_;
  }

  /// When the first certificate of the chain ends.
  std::chrono::system_clock::time_point ends() const { return ends_; }
  /// "foo.crt ends in 9 days", when that is less than 14 days; else empty.
  std::string warning(std::chrono::system_clock::time_point now) const;

 private:
  Context(Owned<SSL_CTX> context, Identify identify)
      : context_(std::move(context)), identify_(std::move(identify)) {}
  static int verify(X509_STORE_CTX* chain, void* self);
  Status take_files(const Settings::Tls& settings);
  Status take_certificates(const std::string& path);
  Status take_key(const std::string& path);
  Status ask_clients(const Settings::Tls& settings);

  Owned<SSL_CTX> context_;
  Identify identify_;
  bool asks_ = false;
  bool has_authorities_ = false;
  std::string certificate_path_;
  std::string certificates_pem_;
  std::string ca_pem_;
  std::chrono::system_clock::time_point ends_;
};

}  // namespace kvmesh::tls
