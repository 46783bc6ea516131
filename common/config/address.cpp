#include "common/config/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "common/text.h"

namespace kvmesh {
namespace {

constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kIpc = "ipc://";
constexpr std::size_t kHostBytesMax = 253;                                    // of DNS
constexpr std::size_t kIpcPathBytesMax = sizeof(sockaddr_un{}.sun_path) - 1;  // of Unix sockets

Status refuse(std::string_view text, std::string_view why) {
  return {StatusCode::kInvalidArgument, in_quotes(text) + " " + std::string{why}};
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

// The name or number of a network interface.
bool is_zone(std::string_view text) {
  return !text.empty() && text.size() < IF_NAMESIZE && std::ranges::all_of(text, is_of_a_name);
}

// A link-local address has a zone, as in fe80::1%eth0 (RFC 4007).
bool is_ipv6(std::string_view host) {
  const auto percent = host.find('%');
  if (percent != std::string_view::npos && !is_zone(host.substr(percent + 1))) return false;
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string{host.substr(0, percent)}.c_str(), &address) == 1;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= kHostBytesMax && host.front() != '-' &&
         host.front() != '.' && std::ranges::all_of(host, is_of_a_name);
}

bool looks_like_ipv4(std::string_view host) {
  return std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// Empty when `host`, as written, can be used; else why not.
std::string_view host_fault(std::string_view host, AddressUse use) {
  if (host.starts_with('[')) {
    const bool good = host.ends_with(']') && is_ipv6(host.substr(1, host.size() - 2));
    return good ? "" : "has no IPv6 address between the brackets; write for example [::1]:5550";
  }
  if (host == "*")
    return use == AddressUse::kListen
               ? ""
               : "names no host to connect to; write the other node's address";
  if (host.find(':') != std::string_view::npos) {
    return "has more than one colon; write an IPv6 address in brackets, as in [::1]:5550";
  }
  if (!is_host_name(host)) return "has no valid host name or address; write host:port";
  if (looks_like_ipv4(host) && !is_ipv4(std::string{host})) {
    return "has no valid IPv4 address; write four numbers from 0 to 255, as in 127.0.0.1:5550";
  }
  return "";
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text, AddressUse use) {
  if (text.find("://") != std::string_view::npos) {
    return refuse(text, "is not an address of a TCP port; write host:port, as in 127.0.0.1:4040");
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']'))
    return refuse(text, "has no port; write host:port");
  const auto port = parse_port(text.substr(colon + 1));
  if (!port || (*port == 0 && use == AddressUse::kConnect)) {
    return refuse(text, use == AddressUse::kListen
                            ? "has no valid port; write 1 to 65535, or 0 for any free one"
                            : "has no valid port; write 1 to 65535");
  }
  auto host = text.substr(0, colon);
  if (const auto fault = host_fault(host, use); !fault.empty()) return refuse(text, fault);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return HostPort{std::string{host}, *port};
}

Status check_endpoint(std::string_view text, AddressUse use) {
  if (text.starts_with(kTcp)) {
    const auto parsed = parse_host_port(text.substr(kTcp.size()), use);
    return parsed.ok() ? Status{} : parsed.status();
  }
  if (!text.starts_with(kIpc)) {
    return refuse(text, "is not an address of the mesh; write tcp://host:port or ipc://path");
  }
  const auto path = text.substr(kIpc.size());
  if (path.empty() || path == "*" || path.find('\0') != std::string_view::npos) {
    return refuse(text, "has no path; write ipc:///run/kvmesh/foo");
  }
  if (path.size() > kIpcPathBytesMax) {
    return {StatusCode::kInvalidArgument,
            over_limit("path of the Unix socket", path.size(), kIpcPathBytesMax) +
                "; choose a shorter one"};
  }
  return {};
}

namespace {

// Without empty parts, "." and "..", as far as that can be said without looking.
std::string canonical_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !absolute) {
      parts.emplace_back(part);
    }
  }
  return (absolute ? "/" : "") + joined(parts, "/");
}

// Every address in one form: IPv4 as such, even where IPv6's form is used.
std::string canonical_host(std::string host) {
  std::ranges::transform(host, host.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  if (host == "*") return "0.0.0.0";
  if (host == "localhost") return "127.0.0.1";
  const auto percent = std::min(host.find('%'), host.size());
  in6_addr six{};
  if (::inet_pton(AF_INET6, host.substr(0, percent).c_str(), &six) != 1) return host;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    return ::inet_ntop(AF_INET, &six.s6_addr[12], text.data(), text.size());
  }
  return ::inet_ntop(AF_INET6, &six, text.data(), text.size()) + host.substr(percent);
}

}  // namespace

SocketAddress socket_address(std::string_view address) {
  if (address.starts_with(kIpc)) return {{}, 0, canonical_path(address.substr(kIpc.size()))};
  std::string_view text = address;
  if (text.starts_with(kTcp)) text.remove_prefix(kTcp.size());
  const auto parsed = parse_host_port(text, AddressUse::kListen);
  if (!parsed) return {{}, 0, std::string{address}};
  return {canonical_host(parsed->host), parsed->port, {}};
}

bool SocketAddress::is_named() const {
  return !host.empty() && host.find(':') == std::string::npos && !is_ipv4(host);
}

bool SocketAddress::is_loopback() const {
  // Names such as 127.example.org are names, so only what parses as an address counts.
  return host.empty() || (is_ipv4(host) && host.starts_with("127.")) || host == "::1";
}

bool collide(const SocketAddress& a, const SocketAddress& b) {
  if (a.host.empty() || b.host.empty()) return a == b;
  if (a.port == 0 || a.port != b.port) return false;
  return a.host == b.host || a.is_everywhere() || b.is_everywhere();
}

bool is_loopback(std::string_view address) {
  if (address.starts_with(kIpc)) return true;
  const auto place = socket_address(address);
  return !place.host.empty() && place.is_loopback();
}

}  // namespace kvmesh
