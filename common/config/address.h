#pragma once

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

/// Whether only this machine can reach what listens at `address`, an endpoint or a host:port that
/// was found valid: 127.0.0.0/8, ::1, localhost and ipc.
bool is_loopback(std::string_view address);

}  // namespace kvmesh
