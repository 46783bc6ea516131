#include "node/tls/context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "common/security/private_file.h"
#include "common/text.h"

namespace kvmesh::tls {
namespace {

constexpr std::size_t kPemBytesMax = 256 * 1024;
constexpr std::chrono::hours kWarnBefore{14 * 24};
constexpr std::string_view kCertificate = "kv_server.tls.certificate";
constexpr std::string_view kKey = "kv_server.tls.key";
constexpr std::string_view kCa = "kv_server.tls.ca";
// Forward secrecy and authenticated encryption; what TLS 1.3 has is such in any case.
constexpr auto* kSuites12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

Status wrong(std::string_view setting, std::string_view what, const std::string& path,
             std::string_view text) {
  return {StatusCode::kInvalidArgument, std::string{setting} + ": " + std::string{what} + " " +
                                            in_quotes(path, 4096) + " " + std::string{text}};
}

Result<std::string> read_pem(std::string_view setting, const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string out(kPemBytesMax + 1, '\0');
  file.read(out.data(), static_cast<std::streamsize>(out.size()));
  if (file.bad() || file.gcount() == 0) {
    return wrong(setting, "the file", path,
                 "cannot be read, or is empty; name a file with certificates in PEM");
  }
  out.resize(static_cast<std::size_t>(file.gcount()));
  if (out.size() > kPemBytesMax) {
    return wrong(setting, "the file", path, "is too large; name a file with certificates in PEM");
  }
  return out;
}

// All certificates of a text, in their order; those before the first that is broken.
std::vector<Owned<X509>> certificates_of(const std::string& pem) {
  const Owned<BIO> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  std::vector<Owned<X509>> out;
  for (;;) {
    Owned<X509> next{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)};
    if (!next) break;
    out.push_back(std::move(next));
  }
  ERR_clear_error();
  return out;
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string day_of(const ASN1_TIME* time) {
  std::tm parts{};
  std::string out(16, '\0');
  (void)ASN1_TIME_to_tm(time, &parts);
  out.resize(std::strftime(out.data(), out.size(), "%Y-%m-%d", &parts));
  return out;
}

// A node has nobody to ask for a password.
int no_password(char* /*out*/, int /*size*/, int /*writing*/, void* /*nothing*/) { return -1; }

void set_rules(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kSuites12);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   // The end of a line is its line end, and nothing that was cut
                                   // off is executed.
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  // What a connection has not sent stays in its own buffer, which may move; a silent connection
  // keeps no buffers of OpenSSL's, which are 33 KiB.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // a call of the kernel for all records that are there
  // Tickets, which the client keeps; no memory of sessions here.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  constexpr std::string_view kSessions = "kvmesh";
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessions.data()),
                                 static_cast<unsigned>(kSessions.size()));
}

}  // namespace

Result<std::shared_ptr<const Context>> Context::load(const Settings::Tls& settings,
                                                     Identify identify) {
  ERR_clear_error();
  Owned<SSL_CTX> made{SSL_CTX_new(TLS_server_method())};
  if (!made) return Status{StatusCode::kUnavailable, "TLS cannot begin: " + take_fault()};
  set_rules(made.get());
  const std::shared_ptr<Context> out{new Context{std::move(made), std::move(identify)}};
  if (auto status = out->take_files(settings); !status.ok()) return status;
  return std::shared_ptr<const Context>{out};
}

Status Context::take_files(const Settings::Tls& settings) {
  if (auto status = take_certificates(settings.certificate); !status.ok()) return status;
  if (auto status = take_key(settings.key); !status.ok()) return status;
  if (SSL_CTX_check_private_key(context_.get()) != 1) {
    ERR_clear_error();
    return wrong(kKey, "the key", settings.key,
                 "does not fit the certificate " + in_quotes(settings.certificate, 4096) +
                     "; name the key that it was made with");
  }
  return ask_clients(settings);
}

Status Context::take_certificates(const std::string& path) {
  const auto pem = read_pem(kCertificate, path);
  if (!pem) return pem.status();
  const auto chain = certificates_of(*pem);
  if (chain.empty()) {
    return wrong(kCertificate, "the file", path,
                 "holds no certificate in PEM (-----BEGIN CERTIFICATE-----); name one that does");
  }
  X509* own = chain.front().get();
  if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0) {
    return wrong(kCertificate, "the certificate", path,
                 "has ended on " + day_of(X509_get0_notAfter(own)) + "; get a new one");
  }
  if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0) {
    return wrong(kCertificate, "the certificate", path,
                 "begins on " + day_of(X509_get0_notBefore(own)) +
                     "; wait until then, or set this machine's clock");
  }
  if (SSL_CTX_use_certificate(context_.get(), own) != 1) {
    return wrong(kCertificate, "the certificate", path, "cannot be used: " + take_fault());
  }
  ends_ = time_of(X509_get0_notAfter(own));
  certificate_path_ = path;
  certificates_pem_ = *pem;
  for (auto next = chain.begin() + 1; next != chain.end(); ++next) {
    ends_ = std::min(ends_, time_of(X509_get0_notAfter(next->get())));
    if (SSL_CTX_add1_chain_cert(context_.get(), next->get()) != 1) {
      return wrong(kCertificate, "the chain in", path, "cannot be used: " + take_fault());
    }
  }
  return {};
}

Status Context::take_key(const std::string& path) {
  security::WipedText pem;
  if (const auto status = security::read_private_file(path, pem); !status.ok()) {
    return {status.code(), std::string{kKey} + ": " + status.text()};
  }
  const Owned<BIO> text{BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size()))};
  const Owned<EVP_PKEY> key{PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr)};
  ERR_clear_error();
  if (!key) {
    return wrong(kKey, "the file", path,
                 "holds no private key in PEM, or one with a password; a node cannot be asked for "
                 "that, so keep the key without one");
  }
  // That it does not fit is told by who reads both.
  if (SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1) return {};
  const auto fault = take_fault();
  return wrong(kKey, "the key", path,
               "does not fit the certificate, or cannot be used (" + fault +
                   "); name the key that the certificate was made with");
}

Status Context::ask_clients(const Settings::Tls& settings) {
  if (settings.clients == TlsClients::kNone) return {};
  asks_ = true;
  auto* context = context_.get();
  SSL_CTX_set_verify(context,
                     SSL_VERIFY_PEER | (settings.clients == TlsClients::kRequired
                                            ? static_cast<int>(SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
                                            : 0),
                     nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, this);
  if (settings.ca.empty()) return {};
  has_authorities_ = true;
  const auto pem = read_pem(kCa, settings.ca);
  if (!pem) return pem.status();
  const auto authorities = certificates_of(*pem);
  if (authorities.empty()) {
    return wrong(kCa, "the file", settings.ca,
                 "holds no certificate in PEM; name one with the authorities of clients");
  }
  ca_pem_ = *pem;
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& authority : authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return wrong(kCa, "a certificate in", settings.ca, "cannot be used: " + take_fault());
    }
  }
  SSL_CTX_set_verify_depth(context, 4);
  return {};
}

// Of a certificate that a client shows. It is noted in the session, and so in its ticket, whether
// an authority answers for the names, not only a pin for the key: a pin may be gone when the ticket
// is used.
int Context::verify(X509_STORE_CTX* chain, void* self) {
  const auto& context = *static_cast<const Context*>(self);
  const bool is_signed = context.has_authorities_ && X509_verify_cert(chain) == 1;
  const auto peer = read_peer(X509_STORE_CTX_get0_cert(chain), is_signed);
  ERR_clear_error();
  const bool is_known = peer && context.identify_(*peer);
  if (!is_known) {
    if (X509_STORE_CTX_get_error(chain) == X509_V_OK || !context.has_authorities_) {
      X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_UNTRUSTED);
    }
    return 0;
  }
  X509_STORE_CTX_set_error(chain, is_signed ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
  return 1;
}

Owned<SSL> Context::make_session() const { return Owned<SSL>{SSL_new(context_.get())}; }

std::optional<Context::Peer> Context::peer_of(SSL* session) const {
  if (!asks_) return Peer{};
  const Owned<X509> certificate{SSL_get1_peer_certificate(session)};
  if (!certificate) return Peer{};
  const bool is_signed = has_authorities_ && SSL_get_verify_result(session) == X509_V_OK;
  auto peer = read_peer(certificate.get(), is_signed);
  auto user = peer ? identify_(*peer) : std::nullopt;
  if (!user) return std::nullopt;
  return Peer{*std::move(user), *std::move(peer)};
}

std::string Context::warning(std::chrono::system_clock::time_point now) const {
  if (ends_ - now >= kWarnBefore) return {};
  const auto days = std::chrono::duration_cast<std::chrono::hours>(ends_ - now).count() / 24;
  const std::string when = ends_ <= now ? "has ended"
                           : days == 0  ? "ends within a day"
                                        : "ends in " + std::to_string(days) + " days";
  return std::string{"kv_server.tls.certificate: a certificate in "} +
         in_quotes(certificate_path_, 4096) + " " + when +
         "; replace the file by a new one, which the node takes within a minute";
}

}  // namespace kvmesh::tls
