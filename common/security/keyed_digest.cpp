#include "common/security/keyed_digest.h"

#include <sodium.h>

#include "common/security/base64.h"

namespace kvmesh::security {
namespace {

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

KeyedDigest::KeyedDigest() {
  begin_sodium();
  randombytes_buf(key_.data(), key_.size());
}

KeyedDigest::~KeyedDigest() { sodium_memzero(key_.data(), key_.size()); }

TokenDigest KeyedDigest::of(std::string_view user, std::string_view secret) const {
  crypto_generichash_state state;
  crypto_generichash_init(&state, key_.data(), key_.size(), kTokenDigestBytes);
  crypto_generichash_update(&state, as_bytes(user), user.size());
  const unsigned char between = 0;
  crypto_generichash_update(&state, &between, 1);
  crypto_generichash_update(&state, as_bytes(secret), secret.size());
  TokenDigest out{};
  crypto_generichash_final(&state, out.data(), out.size());
  sodium_memzero(&state, sizeof state);
  return out;
}

}  // namespace kvmesh::security
