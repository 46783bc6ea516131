#pragma once

#include <string>

#include <kvmesh/status.h>

/// The servers that comparisons need and nobody packages. Each serves until the process is killed
/// and gives an error when it cannot; those but serve_node() on one thread, besides libzmq's own.
namespace kvmesh::bench {

/// Answers every line with "OK": reads, counts line ends, writes once for each piece that came.
Status serve_null(const std::string& address);
/// Sends every message back, as it came.
Status serve_echo(const std::string& endpoint);
/// Subscribes to "kv" at the NATS server there, keeps what is put and answers gets; payloads as in
/// client/bench/peer_codecs.cpp.
Status serve_nats(const std::string& address);
/// A node with the settings of that file and the module `bench` (tests/bench/task_node.cpp), until
/// a signal ends it.
Status serve_node(const std::string& config);

}  // namespace kvmesh::bench
