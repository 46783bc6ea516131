#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <kvmesh/limits.h>

#include "common/names.h"
#include "common/routing_table.h"

namespace kvmesh {

/// A peer that this node may pass requests to.
struct PeerSettings {
  NodeName name;
  std::string address;  // a ZeroMQ endpoint: tcp://host:port or ipc://path
};

/// What a node does. Every member is explained, with its default, unit and range, in
/// config/README.md. A Settings that came out of load_settings() is valid as a whole.
struct Settings {
  NodeName name;
  std::uint32_t threads = 1;  // reactors

  struct Apps {
    bool kv = false;         // this node stores buckets
    bool kv_server = false;  // this node serves the line protocol
  } apps;

  struct Mesh {
    std::string listen = "tcp://127.0.0.1:5550";
    std::vector<PeerSettings> peers;  // in the order of the files
    bool insecure = false;
    std::chrono::milliseconds request_timeout =
        limits::kTimeoutDefault;  // for line protocol requests
    std::chrono::milliseconds ping_interval{250};
    std::chrono::milliseconds peer_timeout{1000};  // silence after which a peer counts as dead
    std::chrono::milliseconds reconnect_min{50};
    std::chrono::milliseconds reconnect_max{1000};
  } mesh;

  struct Kv {
    RoutingTable routing_table;
    std::size_t memory_max = std::size_t{1} << 30;  // bytes
  } kv;

  struct KvServer {
    std::string listen = "127.0.0.1:4040";
    std::size_t connections_max = limits::kTcpConnectionsDefault;
    std::chrono::milliseconds idle_timeout{0};  // 0: never
  } kv_server;

  struct Log {
    std::string level = "info";  // trace, debug, info, warning, error, off
  } log;
};

}  // namespace kvmesh
