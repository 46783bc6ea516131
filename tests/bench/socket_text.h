#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <arpa/inet.h>

#include <cerrno>
#include <string>
#include <system_error>

#include <kvmesh/status.h>

#include "common/config/address.h"

namespace kvmesh::bench {

inline Status socket_fault(const std::string& what) {
  return {StatusCode::kUnavailable, what + ": " + std::generic_category().message(errno)};
}

/// `text` as a numeric IPv4 address and port.
inline Result<sockaddr_in> parse_ipv4(const std::string& text) {
  const auto address = parse_host_port(text, AddressUse::kConnect);
  if (!address) return address.status();
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(address->port);
  if (inet_pton(AF_INET, address->host.c_str(), &out.sin_addr) == 1) return out;
  return Status{StatusCode::kInvalidArgument, text + " is no numeric IPv4 address"};
}

inline void set_nodelay(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

}  // namespace kvmesh::bench
