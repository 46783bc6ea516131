#include "common/transport/addresses.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/config/address.h"
#include "common/text.h"

namespace kvmesh::transport {
namespace {

constexpr std::string_view kTcp = "tcp://";

bool is_number(const std::string& host) {
  in6_addr address{};  // has room for either
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || host.find(':') != std::string::npos;
}

}  // namespace

Addresses::Addresses(std::string endpoint, Resolver& resolver)
    : endpoint_(std::move(endpoint)), resolver_(resolver) {
  if (!endpoint_.starts_with(kTcp)) return;
  const auto parsed =
      parse_host_port(std::string_view{endpoint_}.substr(kTcp.size()), AddressUse::kConnect);
  if (!parsed.ok() || is_number(parsed->host)) return;  // what is wrong is libzmq's to say
  host_ = parsed->host;
  port_ = std::to_string(parsed->port);
}

std::optional<Result<std::string>> Addresses::next() {
  if (host_.empty()) return endpoint_;
  if (!has_more()) {
    if (!question_) question_ = resolver_.ask(host_);
    if (!question_->is_answered()) return std::nullopt;
    const auto question = std::exchange(question_, nullptr);
    if (!question->answer()) return question->answer().status();
    begin_round(*question->answer());
  }
  const auto& host = found_[tried_++];
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return std::string{kTcp} + (is_ipv6 ? "[" + host + "]" : host) + ":" + port_;
}

// REQUIRES: !addresses.empty().
void Addresses::begin_round(const std::vector<std::string>& addresses) {
  found_ = addresses;
  tried_ = 0;
  const auto first = static_cast<std::ptrdiff_t>(rounds_++ % found_.size());
  std::rotate(found_.begin(), found_.begin() + first, found_.end());
}

void Addresses::succeeded() {
  found_.clear();
  tried_ = rounds_ = 0;
}

std::string Addresses::still_looking() const {
  return "nobody has said yet which address the host name " + in_quotes(host_) + " has";
}

}  // namespace kvmesh::transport
