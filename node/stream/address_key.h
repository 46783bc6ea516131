#pragma once

#include <array>
#include <cstdint>
#include <utility>

namespace kvmesh::stream {

/// Who is one and the same stranger: an IPv4 address, or the 64 bits of an IPv6 network, as whoever
/// has one of its addresses has all. A value.
class AddressKey {
 public:
  /// Nobody's.
  AddressKey() = default;
  /// Of the other end of a socket; nobody's when that has gone.
  static AddressKey of_peer(int descriptor);
  /// Of 4 or 16 bytes, as they are in addresses.
  static AddressKey of_v4(std::array<std::uint8_t, 4> address);
  static AddressKey of_v6(const std::array<std::uint8_t, 16>& address);

  /// 127.0.0.0/8 or ::1.
  bool is_loopback() const { return is_loopback_; }
  friend bool operator==(const AddressKey& a, const AddressKey& b) { return a.bytes_ == b.bytes_; }
  template <typename Hash>
  // NOLINTNEXTLINE(readability-identifier-naming): Abseil calls it so
  friend Hash AbslHashValue(Hash hash, const AddressKey& key) {
    return Hash::combine(std::move(hash), key.bytes_);
  }

 private:
  std::array<std::uint8_t, 9> bytes_{};  // which kind, and 8 bytes
  bool is_loopback_ = false;
};

}  // namespace kvmesh::stream
