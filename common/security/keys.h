#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

/// Keys of CURVE (X25519): whoever has the secret half can prove it to those who know the public
/// half. As texts they are base64url (RFC 4648, section 5) behind a word that says which half it
/// is: "pub_...", "sec_...". ZeroMQ's own form, Z85, has characters that shells take apart.
namespace kvmesh::security {

inline constexpr std::size_t kKeyBytes = 32;

/// The half that everybody may know. A value; thread-safe.
class PublicKey {
 public:
  /// Nobody's key: all zeros.
  PublicKey() = default;
  explicit PublicKey(std::span<const std::uint8_t, kKeyBytes> bytes);
  /// kInvalidArgument when `text` is none, with what it is instead: a secret one, one of another
  /// length. The text of the fault never holds `text`.
  static Result<PublicKey> parse(std::string_view text);

  std::string str() const;
  /// Its beginning, for logs: enough to tell keys apart, and no key.
  std::string fingerprint() const;
  std::span<const std::uint8_t, kKeyBytes> bytes() const { return bytes_; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;

 private:
  std::array<std::uint8_t, kKeyBytes> bytes_{};
};

/// The half that nobody else may know. Its memory is locked, left out of core files and overwritten
/// at the end (sodium_malloc). Copies share it. Thread-safe.
class SecretKey {
 public:
  /// kInvalidArgument as of PublicKey::parse().
  static Result<SecretKey> parse(std::string_view text);
  /// A new one, of the system's random numbers.
  static SecretKey make();

  /// For a key file, and for nothing else.
  std::string str() const;
  PublicKey public_key() const;
  std::span<const std::uint8_t, kKeyBytes> bytes() const {
    return std::span<const std::uint8_t, kKeyBytes>{bytes_.get(), kKeyBytes};
  }

 private:
  explicit SecretKey(std::shared_ptr<std::uint8_t[]> bytes) : bytes_(std::move(bytes)) {}
  static std::shared_ptr<std::uint8_t[]> allocate();

  std::shared_ptr<std::uint8_t[]> bytes_;
};

struct KeyPair {
  explicit KeyPair(SecretKey its_secret)
      : secret_key(std::move(its_secret)), public_key(secret_key.public_key()) {}
  SecretKey secret_key;
  PublicKey public_key;
};

}  // namespace kvmesh::security
