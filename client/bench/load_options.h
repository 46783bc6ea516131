#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/bench/runner.h"
#include "client/bench/workload.h"

namespace kvmesh::bench {

/// What the calls of the protocol `task` are.
struct CallLoad {
  std::string function = "bench.empty";  // without arguments, and without output or a result
  std::string mode = "call";             // of task.run; with "spawn" each leaves a process behind
  std::string node;                      // where it is called; empty: where the endpoint is
};

/// Everything that one load run takes.
struct LoadOptions {
  std::string protocol = "native";
  // Of the protocol's kind, of native and task several with commas between them; empty: its usual
  // one on this machine.
  std::string endpoint;
  std::string key_file;  // of the protocols native and task; empty: none
  bool tls = false;      // of those over TCP
  std::string tls_ca;    // file of authorities that must have signed; empty: anybody is believed
  std::uint32_t connections = 1;
  Pace pace;
  WorkloadOptions workload;
  bool load = true;   // put every key first
  bool drop = false;  // the buckets, at the end
  CallLoad call;
  bool json = false;
  std::chrono::milliseconds timeout{5000};  // of a request in the native protocol
};

/// Adds the options of the load to `app`; `options` must outlive it.
void add_load_options(CLI::App& app, LoadOptions& options,
                      const std::vector<std::string>& protocols);

/// Runs the load and prints what was measured, with progress on a terminal meanwhile. kOk only when
/// every request got its right reply; otherwise nothing was printed, unless Pace::keep_going is
/// set: then the number of requests that failed is given, and figures are printed.
Result<std::uint64_t> run_load(const LoadOptions& options);

}  // namespace kvmesh::bench
