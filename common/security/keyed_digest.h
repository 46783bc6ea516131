#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/security/secrets.h"

namespace kvmesh::security {

/// Digests by which a process finds secrets again that it has verified, without keeping them: with
/// a key of its own, so that nobody can look for secrets in what was kept. Microseconds. Immutable;
/// thread-safe.
class KeyedDigest {
 public:
  KeyedDigest();
  ~KeyedDigest();
  KeyedDigest(const KeyedDigest&) = delete;
  KeyedDigest& operator=(const KeyedDigest&) = delete;

  /// Of a user's name, which holds no zero byte, and its secret.
  TokenDigest of(std::string_view user, std::string_view secret) const;

 private:
  std::array<std::uint8_t, 32> key_{};
};

}  // namespace kvmesh::security
