#include "node/stream/address_key.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace kvmesh::stream {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 16> kLoopback6 = {0, 0, 0, 0, 0, 0, 0, 0,
                                                     0, 0, 0, 0, 0, 0, 0, 1};

}  // namespace

AddressKey AddressKey::of_v4(std::array<std::uint8_t, 4> address) {
  AddressKey out;
  out.bytes_[0] = 4;
  std::ranges::copy(address, out.bytes_.begin() + 1);
  out.is_loopback_ = address[0] == 127;
  return out;
}

AddressKey AddressKey::of_v6(const std::array<std::uint8_t, 16>& address) {
  if (std::equal(kMapped.begin(), kMapped.end(), address.begin())) {
    return of_v4({address[12], address[13], address[14], address[15]});
  }
  AddressKey out;
  out.bytes_[0] = 6;
  std::copy_n(address.begin(), 8, out.bytes_.begin() + 1);
  out.is_loopback_ = address == kLoopback6;
  return out;
}

AddressKey AddressKey::of_peer(int descriptor) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {};
  if (peer.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &peer, sizeof v4);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return of_v4(bytes);
  }
  if (peer.ss_family != AF_INET6) return {};
  sockaddr_in6 v6{};
  std::memcpy(&v6, &peer, sizeof v6);
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return of_v6(bytes);
}

}  // namespace kvmesh::stream
