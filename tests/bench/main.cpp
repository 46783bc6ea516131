// kvmesh-bench: the load generator with all protocols, and the small servers that comparisons need.
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "client/bench/load_options.h"
#include "client/bench/protocols.h"
#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "tests/bench/probes.h"
#include "tests/bench/servers.h"

namespace kvmesh::bench {
namespace {

int finish(const Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "kvmesh-bench: %s\n", status.to_string().c_str());
  return 1;
}

int run(int argc, char** argv) {
  CLI::App app{
      "The load generator of the benchmarks, their small servers, and what the generator does not "
      "measure.",
      "kvmesh-bench"};
  app.require_subcommand(1);
  std::function<Status()> action;

  LoadOptions options;
  auto* load = app.add_subcommand("load", "Put a load on a server and measure it");
  add_load_options(*load, options, all_protocols());
  load->add_option("--endpoint", options.endpoint, "HOST:PORT, or a ZeroMQ endpoint");
  load->add_flag("--json", options.json, "Print JSON");
  load->add_option("--key", options.key_file, "Key file of a user, for the mesh protocol");
  load->add_option("--apply", options.workload.applied,
                   "Each write is an apply of so many puts; of the protocol native")
      ->check(command::whole_number(1, limits::kApplyChangesMax));
  load->add_option("--function", options.call.function, "What the protocol task calls")
      ->capture_default_str();
  load->add_option("--mode", options.call.mode, "How: a mode of task.run")
      ->check(CLI::IsMember({"call", "async", "nolink", "spawn"}))
      ->capture_default_str();
  load->add_option("--at", options.call.node, "On which node: the endpoint's when not given");
  load->callback([&] { action = [&] { return run_load(options).status(); }; });

  PageProbe pages;
  auto* page = app.add_subcommand("pages", "Measure pages of a bucket's keys");
  page->add_option("--endpoint", pages.endpoint, "Of the mesh protocol")->required();
  page->add_option("--bucket", pages.bucket, "Which bucket")->required();
  page->add_option("--keys", pages.keys, "How many keys it has")->required();
  page->add_option("--call", pages.call, "What asks for them")
      ->required()
      ->check(CLI::IsMember({"keys", "scan", "scan-values"}));
  command::add_duration(*page, "--duration", pages.duration, "How long (1s), and once at least");
  page->callback([&] { action = [&] { return probe_pages(pages); }; });

  WatcherProbe watching;
  auto* watchers = app.add_subcommand("watchers", "Measure how long a change takes to watchers");
  watchers->add_option("--endpoint", watching.address, "Of the line protocol, HOST:PORT")
      ->required();
  watchers->add_option("--bucket", watching.bucket, "Which bucket; made if it is not there")
      ->required();
  watchers->add_option("--watchers", watching.watchers, "How many")
      ->check(command::whole_number(1, limits::kFollowersMax))
      ->capture_default_str();
  watchers->add_option("--changes", watching.changes_per_second, "How many a second")
      ->check(command::whole_number(1, 1000))
      ->capture_default_str();
  command::add_duration(*watchers, "--duration", watching.duration, "How long (1s)");
  watchers->callback([&] { action = [&] { return probe_watchers(watching); }; });

  HandshakeProbe handshakes;
  auto* hands = app.add_subcommand("handshakes", "Measure handshakes a second with a port");
  hands->add_option("--port", handshakes.port, "Which: of the mesh, with keys, or one with TLS")
      ->required()
      ->check(CLI::IsMember({"mesh", "tls"}));
  hands->add_option("--endpoint", handshakes.endpoint, "A ZeroMQ endpoint, or HOST:PORT")
      ->required();
  hands->add_option("--key", handshakes.key_file, "Key file of a user, for the mesh");
  hands->add_option("--tls-ca", handshakes.ca, "File of authorities, for TLS; else none are asked");
  hands->add_option("--under-way", handshakes.under_way, "How many at once, at most")
      ->check(command::whole_number(1, 500))
      ->capture_default_str();
  hands->add_option("--rate", handshakes.rate, "Begin so many a second; else as many as possible")
      ->check(command::decimal_number(0.1, 1e6));
  command::add_duration(*hands, "--warmup", handshakes.warmup, "How long before, uncounted (none)");
  command::add_duration(*hands, "--duration", handshakes.duration, "How long (1s), one at least");
  hands->callback([&] { action = [&] { return probe_handshakes(handshakes); }; });

  std::string address;
  const auto add_server = [&](const char* name, const char* text,
                              Status (*serve)(const std::string&)) {
    auto* server = app.add_subcommand(name, text);
    server->add_option("ADDRESS", address, "HOST:PORT, or a ZeroMQ endpoint")->required();
    server->callback([&, serve] { action = [&, serve] { return serve(address); }; });
  };
  add_server("null-server", "Answers every line with OK", serve_null);
  add_server("echo-server", "A libzmq ROUTER that sends every message back", serve_echo);
  add_server("nats-responder", "Stores and answers what comes to the subject kv of a NATS server",
             serve_nats);
  add_server("node",
             "A node with the functions that the cases about tasks call; takes its settings",
             serve_node);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return finish(action());
}

}  // namespace
}  // namespace kvmesh::bench

int main(int argc, char** argv) {
  try {
    return kvmesh::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvmesh-bench: %s\n", error.what());
    return 1;
  }
}
