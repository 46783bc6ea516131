#include "node/tls/peer_certificate.h"

#include <openssl/x509v3.h>

#include <string_view>

namespace kvmesh::tls {
namespace {

void add_name(const ASN1_STRING* text, std::vector<std::string>& out) {
  const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  // A zero byte in it cannot pass for an end: names of users hold none.
  out.emplace_back(bytes, static_cast<std::size_t>(ASN1_STRING_length(text)));
}

void add_dns_names(X509* certificate, std::vector<std::string>& out) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) add_name(name->d.dNSName, out);
  }
  GENERAL_NAMES_free(names);
}

void add_common_names(X509* certificate, std::vector<std::string>& out) {
  const auto* subject = X509_get_subject_name(certificate);
  for (int i = -1;;) {
    i = X509_NAME_get_index_by_NID(subject, NID_commonName, i);
    if (i < 0) return;
    add_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)), out);
  }
}

}  // namespace

std::optional<PeerCertificate> read_peer(X509* certificate, bool is_signed) {
  PeerCertificate out;
  unsigned char* key = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
  if (size <= 0) return std::nullopt;
  const bool hashed = EVP_Digest(key, static_cast<std::size_t>(size), out.pin.data(), nullptr,
                                 EVP_sha256(), nullptr) == 1;
  OPENSSL_free(key);
  if (!hashed) return std::nullopt;
  if (is_signed) {
    add_dns_names(certificate, out.names);
    if (out.names.empty()) add_common_names(certificate, out.names);
  }
  return out;
}

Identify identify_by(const security::CurrentPrincipals* principals) {
  return [principals](const PeerCertificate& certificate) -> std::optional<std::string> {
    if (principals != nullptr) return user_of(*principals->get(), certificate);
    if (certificate.names.empty()) return std::nullopt;
    return std::string{};
  };
}

std::optional<std::string> user_of(const security::Principals& principals,
                                   const PeerCertificate& certificate) {
  if (const auto* user = principals.by_certificate(certificate.pin)) return user->name;
  const security::Principal* found = nullptr;
  for (const auto& name : certificate.names) {
    const auto* user = principals.find(name);
    if (user == nullptr || user->is_node || user == found) continue;
    if (found != nullptr) return std::nullopt;  // two users: nobody could say which
    found = user;
  }
  if (found == nullptr) return std::nullopt;
  return found->name;
}

}  // namespace kvmesh::tls
