#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

/// What OpenSSL's objects need to be values of ours.
namespace kvmesh::tls {

struct OpenSslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename Object>
using Owned = std::unique_ptr<Object, OpenSslFree>;

/// The oldest fault that OpenSSL has noted on this thread, in its words; forgets all of them.
std::string take_fault();

}  // namespace kvmesh::tls
