#include "node/stream/foreign.h"

#include <algorithm>

namespace kvmesh::stream {
namespace {

// RFC 9110, 5.6.2; pages may choose any method.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
}

// RFC 9112, 3.2: a path, a whole URL, the asterisk, and host:port with CONNECT only.
bool is_target(std::string_view target, std::string_view method) {
  if (target.find(' ') != std::string_view::npos) return false;
  return target.starts_with('/') || target == "*" || target.find("://") != std::string_view::npos ||
         (method == "CONNECT" && !target.empty());
}

bool is_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == last || !line.substr(last + 1).starts_with("HTTP/")) return false;
  const auto method = line.substr(0, first);
  return is_token(method) && is_target(line.substr(first + 1, last - first - 1), method);
}

}  // namespace

Foreign foreign_first_line(std::string_view line) {
  if (line.starts_with("\x16\x03")) return Foreign::kTls;
  return is_request_line(line) ? Foreign::kHttp : foreign_line(line);
}

std::string_view name_of(Foreign protocol) {
  switch (protocol) {
    case Foreign::kHttp:
      return "HTTP";
    case Foreign::kTls:
      return "TLS";
    case Foreign::kNone:
      break;
  }
  return {};
}

}  // namespace kvmesh::stream
