#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

namespace kvmesh {

/// A TCP address as configurations write it: `host:port`, an IPv6 host in brackets.
struct HostPort {
  std::string host;        // without brackets; "*" where all interfaces are meant
  std::uint16_t port = 0;  // 0: any free port
};

/// What an address is for decides what it may be: nobody can connect to port 0 or to "*".
enum class AddressUse : std::uint8_t { kListen, kConnect };

/// Reads `host:port`: an IPv4 address, an IPv6 address in brackets (with a zone where it needs one,
/// as in [fe80::1%eth0]), a host name or, for listening,
/// `*`; port 1 to 65535, for listening also 0. kInvalidArgument with what is wrong; what to do
/// follows a semicolon.
Result<HostPort> parse_host_port(std::string_view text, AddressUse use);

/// kOk when `text` is an endpoint of the mesh: tcp://host:port as above, or ipc://path.
Status check_endpoint(std::string_view text, AddressUse use);

/// Where an address leads, in one form however it is spelt: numbers as they are usually written, an
/// IPv4 address in IPv6's form (::ffff:127.0.0.1) as IPv4, names in lower case, `localhost` as
/// 127.0.0.1, `*` as 0.0.0.0; a path of ipc without `.`, `..` and doubled slashes.
struct SocketAddress {
  std::string host;  // empty: of ipc
  std::uint16_t port = 0;
  std::string path;  // of ipc

  /// All interfaces of the machine.
  bool is_everywhere() const { return host == "0.0.0.0" || host == "::"; }
  /// A host that is no number.
  bool is_named() const;
  bool is_loopback() const;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

/// Of an endpoint or a host:port; one that is not valid stands for itself, as a path.
SocketAddress socket_address(std::string_view address);

/// Whether two sockets of one machine cannot both listen there: at one place, or on one port of
/// which one takes all interfaces. Port 0 is any free one.
bool collide(const SocketAddress& a, const SocketAddress& b);

/// Whether only this machine can reach what listens at `address`, an endpoint or a host:port that
/// was found valid: 127.0.0.0/8, ::1, localhost and ipc.
bool is_loopback(std::string_view address);

}  // namespace kvmesh
