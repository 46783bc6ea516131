#include "common/security/secrets.h"

#include <sodium.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "common/security/base64.h"

namespace kvmesh::security {
namespace {

constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemoryBytes = std::size_t{19456} * 1024;
// A node can bear these for one AUTH; what costs more is a way to stop it.
constexpr std::uint64_t kPassesMax = 16;
constexpr std::uint64_t kMemoryKiBMax = 256 * 1024;

constexpr std::string_view kArgon = "$argon2id$v=19$m=";
constexpr std::string_view kToken = "tok_";
constexpr std::string_view kDigest = "blake2b:";
static_assert(kTokenDigestBytes == kTextBytes);

// Takes "NUMBER" off the front, and what must follow it.
std::optional<std::uint64_t> take_number(std::string_view& text, std::string_view then) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.starts_with(then)) return std::nullopt;
  text.remove_prefix(then.size());
  return value;
}

}  // namespace

Result<std::string> hash_password(std::string_view password) {
  begin_sodium();
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), kPasses, kMemoryBytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Status{StatusCode::kUnavailable, "there is no memory to hash the password"};
  }
  return std::string{out.data()};
}

Status check_password_hash(std::string_view hash) {
  Status none{StatusCode::kInvalidArgument,
              "is no hash of a password; write what kvmesh keygen --user NAME --password "
              "prints, and never the password itself"};
  if (!hash.starts_with(kArgon) || hash.size() >= crypto_pwhash_STRBYTES) return none;
  auto rest = hash.substr(kArgon.size());
  const auto memory = take_number(rest, ",t=");
  const auto passes = take_number(rest, ",p=");
  if (!memory.has_value() || !passes.has_value() || !take_number(rest, "$").has_value())
    return none;
  if (*memory > kMemoryKiBMax || *passes > kPassesMax) {
    return {StatusCode::kInvalidArgument,
            "costs a node too much to check: at most m=" + std::to_string(kMemoryKiBMax) +
                " and t=" + std::to_string(kPassesMax) + "; make it with kvmesh keygen"};
  }
  return rest.find('$') == std::string_view::npos ? none : Status{};
}

bool verify_password(const std::string& hash, std::string_view password) {
  begin_sodium();
  if (crypto_pwhash_str_needs_rehash(hash.c_str(), kPasses, kMemoryBytes) >= 0) {
    return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
  }
  (void)hash_password(password);  // so that nobody learns by the time that there is no such user
  return false;
}

std::string make_token() {
  begin_sodium();
  std::array<std::uint8_t, kTokenDigestBytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  auto out = to_text(kToken, bytes.data());
  sodium_memzero(bytes.data(), bytes.size());
  return out;
}

bool looks_like_token(std::string_view secret) {
  return secret.size() == kToken.size() + kTextChars && secret.starts_with(kToken);
}

TokenDigest digest_of(std::string_view token) {
  begin_sodium();
  TokenDigest out{};
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size(), nullptr, 0);
  return out;
}

std::string text_of(const TokenDigest& digest) { return to_text(kDigest, digest.data()); }

Result<TokenDigest> parse_token_digest(std::string_view text) {
  TokenDigest out{};
  if (from_text(kDigest, text, out.data())) return out;
  return Status{StatusCode::kInvalidArgument,
                "is no digest of a token; write what kvmesh keygen --user NAME --token prints for "
                "this file, and never the token itself"};
}

bool are_same(const TokenDigest& a, const TokenDigest& b) {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace kvmesh::security
