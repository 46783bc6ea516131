#include "common/security/keys.h"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/security/base64.h"

namespace kvmesh::security {
namespace {

static_assert(kKeyBytes == kTextBytes);
constexpr std::string_view kPublic = "pub_";
constexpr std::string_view kSecret = "sec_";
constexpr std::size_t kFingerprintChars = 12;

Status no_key(std::string_view text, std::string_view wanted, std::string_view other) {
  const auto form = std::string{wanted} + " and " + std::to_string(kTextChars) +
                    " letters, digits, - or _, as kvmesh keygen writes it";
  if (text.starts_with(other)) {
    return {StatusCode::kInvalidArgument,
            wanted == kPublic ? "is a secret key; write the public one, " + form +
                                    ", and make a new key, as this one is no secret any more"
                              : "is a public key; write the secret one, " + form};
  }
  return {StatusCode::kInvalidArgument, "is no key; a key is " + form};
}

}  // namespace

PublicKey::PublicKey(std::span<const std::uint8_t, kKeyBytes> bytes) {
  std::ranges::copy(bytes, bytes_.begin());
}

Result<PublicKey> PublicKey::parse(std::string_view text) {
  PublicKey out;
  if (from_text(kPublic, text, out.bytes_.data())) {
    return out;
  }
  return no_key(text, kPublic, kSecret);
}

std::string PublicKey::str() const { return to_text(kPublic, bytes_.data()); }

std::string PublicKey::fingerprint() const {
  return str().substr(0, kPublic.size() + kFingerprintChars);
}

std::shared_ptr<std::uint8_t[]> SecretKey::allocate() {
  begin_sodium();
  auto* bytes = static_cast<std::uint8_t*>(sodium_malloc(kKeyBytes));
  if (bytes == nullptr) std::abort();  // out of memory, as everywhere
  return {bytes, sodium_free};
}

Result<SecretKey> SecretKey::parse(std::string_view text) {
  auto bytes = allocate();
  if (from_text(kSecret, text, bytes.get())) {
    return SecretKey{std::move(bytes)};
  }
  return no_key(text, kSecret, kPublic);
}

SecretKey SecretKey::make() {
  auto bytes = allocate();
  randombytes_buf(bytes.get(), kKeyBytes);
  return SecretKey{std::move(bytes)};
}

std::string SecretKey::str() const { return to_text(kSecret, bytes_.get()); }

PublicKey SecretKey::public_key() const {
  std::array<std::uint8_t, kKeyBytes> out{};
  static_assert(crypto_scalarmult_curve25519_BYTES == kKeyBytes);
  if (crypto_scalarmult_base(out.data(), bytes_.get()) != 0) std::abort();  // cannot fail
  return PublicKey{std::span<const std::uint8_t, kKeyBytes>{out}};
}

}  // namespace kvmesh::security
