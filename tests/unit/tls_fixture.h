#pragma once

// Certificates, and a client that speaks TLS over one end of a socketpair; one thread plays both
// ends.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "node/stream/socket.h"
#include "node/tls/certificates.h"
#include "node/tls/context.h"
#include "node/tls/session.h"
#include "tests/unit/temporary_folder.h"

namespace kvmesh::tls {

struct Made {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
};

// Valid from an hour ago for `seconds` from now; `signer` is null for one that signs itself.
inline Made make_certificate(const std::string& name, const Made* signer = nullptr,
                             long seconds = 30L * 24 * 3600) {
  static long serial = 1;
  Made out{Owned<EVP_PKEY>{EVP_EC_gen("P-256")}, Owned<X509>{X509_new()}};
  auto* certificate = out.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
  X509_set_pubkey(certificate, out.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const auto* by = signer == nullptr ? certificate : signer->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(by));
  if (signer == nullptr) {
    auto* is_authority =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(certificate, is_authority, -1);
    X509_EXTENSION_free(is_authority);
  }
  X509_sign(certificate, signer == nullptr ? out.key.get() : signer->key.get(), EVP_sha256());
  return out;
}

inline std::string pem_of(const Made& made, bool key) {
  const Owned<BIO> bio{BIO_new(BIO_s_mem())};
  if (key) {
    PEM_write_bio_PrivateKey(bio.get(), made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_bio_X509(bio.get(), made.certificate.get());
  }
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

// The client's end.
class TlsClient {
 public:
  TlsClient(int descriptor, const Made* shown, SSL_SESSION* ticket, int version = 0)
      : descriptor_(descriptor), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_mode(context_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (version != 0) SSL_CTX_set_max_proto_version(context_.get(), version);
    if (shown != nullptr) {
      SSL_CTX_use_certificate(context_.get(), shown->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), shown->key.get());
    }
    session_.reset(SSL_new(context_.get()));
    SSL_set_fd(session_.get(), descriptor);
    if (ticket != nullptr) SSL_set_session(session_.get(), ticket);
    SSL_set_connect_state(session_.get());
  }
  ~TlsClient() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool step() { return SSL_do_handshake(session_.get()) == 1; }
  void send(std::string_view bytes) {
    std::size_t count = 0;
    ASSERT_EQ(SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &count), 1);
    ASSERT_EQ(count, bytes.size());
  }
  // What has come.
  std::string take() {
    std::string out;
    std::array<char, 20000> room;  // NOLINT: filled by the next call
    std::size_t count = 0;
    while (SSL_read_ex(session_.get(), room.data(), room.size(), &count) == 1) {
      out.append(room.data(), count);
    }
    return out;
  }
  SSL* get() { return session_.get(); }
  int descriptor() const { return descriptor_; }
  void drop() { ::close(std::exchange(descriptor_, -1)); }

 private:
  int descriptor_;
  Owned<SSL_CTX> context_;
  Owned<SSL> session_;
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    write("foo", make_certificate("foo"));
    settings_.certificate = path("foo.crt");
    settings_.key = path("foo.key");
  }

  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void write(const std::string& name, const Made& made) {
    std::ofstream{path(name + ".crt")} << pem_of(made, false);
    std::ofstream{path(name + ".key")} << pem_of(made, true);
    ::chmod(path(name + ".key").c_str(), 0600);
  }
  std::shared_ptr<const Context> load() {
    auto context = Context::load(settings_, identify_);
    EXPECT_TRUE(context) << context.status().text();
    return context ? *context : nullptr;
  }

  // Both ends of a connection to a server with `context`.
  void connect(const std::shared_ptr<const Context>& context, const Made* shown = nullptr,
               SSL_SESSION* ticket = nullptr, int version = 0) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    server_.emplace(ends[0]);
    server_->set_tls(Session::make(ends[0], context));
    client_.emplace(ends[1], shown, ticket, version);
  }
  // The last step of the server.
  Session::Step shake_hands() {
    auto step = Session::Step::kWaitsForBytes;
    for (int i = 0; i < 10; ++i) {
      (void)client_->step();
      server_->note(EPOLLIN | EPOLLOUT);
      step = server_->tls()->handshake();
      if (step == Session::Step::kDone || step == Session::Step::kFailed) break;
    }
    server_->note(0);
    (void)client_->step();
    return step;
  }
  std::string read(std::size_t most) {
    std::string room(most, '\0');
    const auto count = server_->read(room);
    if (!count) return "broken";
    room.resize(*count);
    return room;
  }

  test::TemporaryFolder folder_;
  Settings::Tls settings_;
  Identify identify_ = [](const PeerCertificate&) { return std::nullopt; };
  std::optional<stream::Socket> server_;
  std::optional<TlsClient> client_;
};

}  // namespace kvmesh::tls
