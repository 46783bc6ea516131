#include "node/listen_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <initializer_list>
#include <memory>

#include "common/transport/resolver.h"

namespace kvmesh {
namespace {

struct FreeInterfaces {
  void operator()(ifaddrs* list) const { freeifaddrs(list); }
};

bool is_number(const std::string& host) {
  in_addr address{};
  return host.find(':') != std::string::npos || ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// Empty when this machine has none of that name, or it has no address. IPv4 first, as for hosts.
std::string address_of_interface(const std::string& name) {
  ifaddrs* found = nullptr;
  if (getifaddrs(&found) != 0) return {};
  const std::unique_ptr<ifaddrs, FreeInterfaces> list{found};
  for (const int family : {AF_INET, AF_INET6}) {
    const auto bytes =
        static_cast<socklen_t>(family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    for (const auto* entry = found; entry != nullptr; entry = entry->ifa_next) {
      char text[NI_MAXHOST];  // NOLINT: filled by getnameinfo()
      if (entry->ifa_addr != nullptr && entry->ifa_addr->sa_family == family &&
          name == entry->ifa_name &&
          getnameinfo(entry->ifa_addr, bytes, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0) {
        return text;
      }
    }
  }
  return {};
}

}  // namespace

Result<HostPort> resolve_listen(const HostPort& where) {
  if (where.host == "*" || is_number(where.host)) return where;
  if (auto address = address_of_interface(where.host); !address.empty()) {
    return HostPort{std::move(address), where.port};
  }
  auto found = transport::look_up(where.host);
  if (!found) return found.status();
  // The settings took this name for an address of loopback, which strangers cannot reach.
  if (where.host == "localhost") {
    std::erase_if(*found, [](const std::string& host) {
      return !is_loopback(to_string(HostPort{host, 1}));
    });
  }
  if (found->empty()) {
    return Status{StatusCode::kUnavailable, "the host name localhost has no loopback address"};
  }
  return HostPort{found->front(), where.port};
}

std::string to_string(const HostPort& where) {
  const bool is_ipv6 = where.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

}  // namespace kvmesh
