#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <kvmesh/status.h>

/// What the load generator does not measure: each connects to a node, looks at every answer, and
/// prints one JSON object. An error when anything that came was wrong; then it prints none.
namespace kvmesh::bench {

struct PageProbe {
  std::string endpoint;  // of a node, in the mesh protocol
  std::string bucket;
  std::uint64_t keys = 0;  // that the bucket has
  std::string call;        // "keys", "scan", or "scan-values"
  std::chrono::milliseconds duration{1000};
};
/// How long a page of 1000 keys takes, one at a time: goes through the whole bucket over and over,
/// at least once, and counts every page.
Status probe_pages(const PageProbe& probe);

struct WatcherProbe {
  std::string address;  // of a node's line protocol, HOST:PORT
  std::string bucket;
  std::uint32_t watchers = 1000;
  std::uint32_t changes_per_second = 20;
  std::chrono::milliseconds duration{1000};
};
/// How long a change takes from the begin of its request until each of the watchers has it, each
/// with a connection of its own.
Status probe_watchers(const WatcherProbe& probe);

struct HandshakeProbe {
  std::string port;      // "tls": of a node's line protocol; "mesh": with keys
  std::string endpoint;  // of that port; numeric
  std::string key_file;  // of a user, for "mesh"
  std::string ca;        // for "tls", as --tls-ca of the load
  std::uint32_t under_way = 16;
  double rate = 0;  // a second; 0: as many as there can be
  std::chrono::milliseconds warmup{0};
  std::chrono::milliseconds duration{1000};
};
/// How many connections a second a port lets in, each with a whole handshake, and how long each
/// takes; one at least. Those to a TLS port come from many addresses, 127.77.0.1 and so on, each
/// answers a PING.
Status probe_handshakes(const HandshakeProbe& probe);

}  // namespace kvmesh::bench
