#include "client/bench/protocols.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "client/bench/codec.h"
#include "client/bench/echo_channel.h"
#include "client/bench/native_channel.h"
#include "client/bench/stream_channel.h"
#include "client/command/base/session.h"
#include "client/endpoints.h"

namespace kvmesh::bench {
namespace {

struct Protocol {
  const char* name;
  const char* usual_endpoint;  // null: has none
  bool own;
  bool stores;
  bool tls;  // can be spoken through it
};

constexpr std::array<Protocol, 8> kProtocols = {{
    {"native", "tcp://127.0.0.1:5550", true, true, false},
    {"line", "127.0.0.1:4040", true, true, true},
    {"task", nullptr, false, false, false},
    {"redis", "127.0.0.1:6379", false, true, true},
    {"memcached", "127.0.0.1:11211", false, true, true},
    {"nats", "127.0.0.1:4222", false, true, false},
    {"null", nullptr, false, false, true},
    {"echo", nullptr, false, false, false},
}};

const Protocol* find(std::string_view name) {
  for (const auto& protocol : kProtocols) {
    if (name == protocol.name) return &protocol;
  }
  return nullptr;
}

std::unique_ptr<Codec> make_codec(std::string_view protocol, std::uint32_t index) {
  if (protocol == "line") return make_line_codec();
  if (protocol == "redis") return make_redis_codec();
  if (protocol == "memcached") return make_memcached_codec();
  if (protocol == "nats") {
    return make_nats_codec(std::to_string(getpid()) + "-" + std::to_string(index));
  }
  return make_null_codec();
}

std::vector<std::string> names(bool own_only) {
  std::vector<std::string> out;
  for (const auto& protocol : kProtocols) {
    if (protocol.own || !own_only) out.emplace_back(protocol.name);
  }
  return out;
}

}  // namespace

std::vector<std::string> own_protocols() { return names(true); }
std::vector<std::string> all_protocols() { return names(false); }

bool stores_values(std::string_view protocol) {
  const auto* found = find(protocol);
  return found != nullptr && found->stores;
}

bool makes_calls(std::string_view protocol) { return protocol == "task"; }

Result<std::vector<std::unique_ptr<Channel>>> make_channels(zmq::context_t& context,
                                                            const LoadOptions& options) {
  const auto* protocol = find(options.protocol);
  if (protocol == nullptr) {
    return Status{StatusCode::kInvalidArgument, "there is no protocol " + options.protocol};
  }
  auto endpoint = options.endpoint;
  if (endpoint.empty() && protocol->usual_endpoint != nullptr) endpoint = protocol->usual_endpoint;
  if (endpoint.empty()) {
    return Status{StatusCode::kInvalidArgument, options.protocol + " needs an endpoint"};
  }
  std::shared_ptr<const TlsContext> tls;
  if (options.tls && !protocol->tls) {
    return Status{StatusCode::kInvalidArgument,
                  "the protocol " + options.protocol + " has no TLS here; leave --tls out"};
  }
  if (options.tls) {
    auto made = TlsContext::make(options.tls_ca);
    if (!made) return made.status();
    tls = *std::move(made);
  }
  const bool calls = makes_calls(options.protocol);
  const bool native = calls || options.protocol == "native";
  if (native) context.set(zmq::ctxopt::max_sockets, 65535);
  auto endpoints = native ? command::endpoint_list(endpoint) : std::vector<std::string>{};
  if (native) {
    if (auto status = client::check_endpoints(endpoints); !status.ok()) return status;
  }
  std::vector<std::unique_ptr<Channel>> channels;
  for (std::uint32_t i = 0; i < options.connections; ++i) {
    if (native) {
      const auto keys = client::load_client_keys(options.key_file, endpoints);
      if (!keys) return keys.status();
      channels.push_back(std::make_unique<NativeChannel>(
          context, endpoints, *keys, options.timeout, options.pace.keep_going,
          calls ? std::optional{options.call} : std::nullopt));
      std::rotate(endpoints.begin(), endpoints.begin() + 1, endpoints.end());  // spreads them
    } else if (options.protocol == "echo") {
      channels.push_back(std::make_unique<EchoChannel>(context, endpoint));
    } else {
      channels.push_back(
          std::make_unique<StreamChannel>(endpoint, make_codec(options.protocol, i), tls));
    }
  }
  return channels;
}

}  // namespace kvmesh::bench
