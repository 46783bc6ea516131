#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

/// What users of the line protocol prove themselves with: passwords, which people choose, and
/// tokens, which are random. Files hold neither, only what tells whether one is right. All by
/// libsodium.
namespace kvmesh::security {

/// A password as security.toml holds it: "$argon2id$v=19$m=19456,t=2,p=1$...". Takes tens of
/// milliseconds and 19 MiB on purpose (the least that OWASP's Password Storage Cheat Sheet
/// recommends). kUnavailable: there is no memory for it.
Result<std::string> hash_password(std::string_view password);
/// Is it one that verify_password() can use, with costs that a node can bear? kInvalidArgument with
/// what is wrong; the text never holds `hash`.
Status check_password_hash(std::string_view hash);
/// Takes as long as hash_password(), whatever the answer is; also for a `hash` that is none.
bool verify_password(const std::string& hash, std::string_view password);

inline constexpr std::size_t kTokenDigestBytes = 32;
using TokenDigest = std::array<std::uint8_t, kTokenDigestBytes>;

/// A new token of 256 random bits: "tok_...".
std::string make_token();
bool looks_like_token(std::string_view secret);
/// BLAKE2b of the token; as random as that is, it needs no costly hash. Microseconds.
TokenDigest digest_of(std::string_view token);
/// As security.toml holds it: "blake2b:...".
std::string text_of(const TokenDigest& digest);
Result<TokenDigest> parse_token_digest(std::string_view text);
/// In a time that does not tell where they differ.
bool are_same(const TokenDigest& a, const TokenDigest& b);

}  // namespace kvmesh::security
