#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>

#include "common/config/allowed.h"
#include "common/names.h"
#include "common/routing_table.h"

namespace kvmesh {

/// A peer that this node may pass requests to.
struct PeerSettings {
  NodeName name;
  std::string address;  // a ZeroMQ endpoint: tcp://host:port or ipc://path
};

/// A node that is no peer of this one, and the peer that requests for it are passed to; that one
/// finds the rest of the way by its own settings.
struct ViaSettings {
  NodeName node;
  NodeName peer;  // the name of a PeerSettings
};

/// When a change counts as stored.
enum class Durability : std::uint8_t { kAlways, kEverySecond, kNone };
std::string_view to_string(Durability durability);
std::optional<Durability> parse_durability(std::string_view text);

/// Whether clients of a TLS port show a certificate.
enum class TlsClients : std::uint8_t { kNone, kOptional, kRequired };
std::string_view to_string(TlsClients clients);
std::optional<TlsClients> parse_tls_clients(std::string_view text);

/// What a node does. Every member is explained, with its default, unit and range, in
/// config/README.md. A Settings that came out of load_settings() is valid as a whole.
struct Settings {
  NodeName name;
  std::uint32_t threads = 1;                // reactors
  std::chrono::microseconds busy_poll{50};  // after work, before a reactor sleeps
  // A shared object with functions of the user's own.
  struct ModuleFile {
    std::string path;      // where it leads from the working directory, or absolute
    std::string place;     // that named it, for faults: "foo.toml:3"
    bool in_file = false;  // a relative one began at the folder of the file that names it

    friend bool operator==(const ModuleFile& a, const ModuleFile& b) { return a.path == b.path; }
  };
  std::vector<ModuleFile> modules;
  std::string state_dir;  // where what outlives the node is kept; empty: nothing does

  struct Apps {
    bool kv = false;         // this node stores buckets
    bool kv_server = false;  // this node serves the line protocol
  } apps;

  struct Mesh {
    std::string listen = "tcp://127.0.0.1:5550";
    std::vector<PeerSettings> peers;  // in the order of the files
    std::vector<ViaSettings> vias;    // the entries of mesh.peers that hold no address
    std::string key;  // the key file of this node; empty: it has none, and nobody is asked for one
    std::string security;  // the path of security.toml; empty exactly when `key` is
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
    Durability durability = Durability::kAlways;    // with a state_dir
    bool undurable_reads = false;                   // they do not wait until it is durable
  } kv;
  /// Whether this node's buckets outlive it.
  bool is_durable() const {
    return apps.kv && !state_dir.empty() && kv.durability != Durability::kNone;
  }

  // Of a port; the paths lead there from the working directory, or are absolute.
  struct Tls {
    std::string certificate;  // empty: the port speaks plain text
    std::string key;
    TlsClients clients = TlsClients::kNone;
    std::string ca;  // of clients; empty: only pins name users

    bool is_on() const { return !certificate.empty(); }
  };
  struct KvServer {
    std::string listen = "127.0.0.1:4040";
    std::size_t connections_max = limits::kTcpConnectionsDefault;
    std::chrono::milliseconds idle_timeout{0};  // 0: never
    Tls tls;
  } kv_server;

  /// How functions of modules run, and which of them may be called.
  struct Tasks {
    std::size_t workers = 4;                             // threads
    std::size_t queue_max = 10000;                       // tasks that wait for a worker
    std::size_t processes_max = limits::kProcessesMax;   // tasks, servers and mailboxes together
    std::chrono::milliseconds time_limit{0};             // of any task; 0: none
    std::size_t stack_bytes = std::size_t{1024} * 1024;  // of each task
    Allowed allow;                                       // to callers from outside
  } tasks;

  struct Log {
    std::string level = "info";                 // trace, debug, info, warning, error, off
    std::chrono::milliseconds slow_request{0};  // requests that took so long are logged; 0: none
    std::string audit;  // the file of the audit log; empty: its lines are in the log
  } log;
};

}  // namespace kvmesh
