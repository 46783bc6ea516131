#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <kvmesh/node.h>
#include <CLI/CLI.hpp>

#include "common/config/load.h"
#include "common/standard_descriptors.h"
#include "node/version.h"

namespace {

// What is valid for one node may still not go together with what others have.
bool has_peers(const kvmesh::Node::Options& options) {
  const auto loaded = kvmesh::load_settings(
      {options.config_files, kvmesh::settings_environment(), options.assignments});
  return loaded.ok() && !loaded->settings.mesh.peers.empty();
}

// What was printed may not have reached its file: that is a failure too.
int finish_output() {
  const auto status = kvmesh::write_standard_output();
  if (!status.ok()) std::cerr << status.text() << '\n';
  return status.ok() ? 0 : 1;
}

// Unless nobody reads it: a node ends all the same.
void complain(const kvmesh::Status& status) {
  pollfd room{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&room, 1, 1000) > 0) std::cerr << status.text() << '\n';
}

}  // namespace

// kvmesh-node: one node of the mesh, as its configuration says. Exit status: 0 stopped as asked, 1
// failed while running or could not print, 2 the configuration is wrong or an address is taken.
int main(int argc, char** argv) {
  kvmesh::open_standard_descriptors();
  kvmesh::Node::Options options;
  bool check_only = false;
  CLI::App app{"One node of a kvmesh: stores buckets, routes requests, serves the line protocol."};
  app.name("kvmesh-node");
  app.set_version_flag("--version", std::string{"kvmesh-node "} + kvmesh::kVersion);
  std::vector<std::string> files;
  app.add_option("FILE", files,
                 "Configuration file (TOML); may be several, later files win. One after --config "
                 "is the same, and read before those without")
      ->type_name("");
  app.add_option("-c,--config", options.config_files,
                 "Configuration file, named; may be given again")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("-s,--set", options.assignments,
                 "One setting, such as log.level=debug; wins over files and environment")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--check-config", check_only,
               "Check the configuration and load its modules, say what is wrong, and exit");
  app.add_flag(
      "--accept-loss", options.accept_loss,
      "Start although acknowledged changes are missing in the state_dir or files of it are "
      "damaged, with all that can be read; what that is stands there in the file losses");
  app.footer(
      "Settings may also come from the environment: KVMESH_KV_SERVER__LISTEN=127.0.0.1:4040\n"
      "SIGTERM and SIGINT stop the node; SIGHUP re-reads its peers and its routing table.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? finish_output() : 2;
  }
  options.config_files.insert(options.config_files.end(), files.begin(), files.end());
  if (options.config_files.empty()) {
    std::cerr << "kvmesh-node: name a configuration file: kvmesh-node hello.toml\n"
                 "Run with --help for more information.\n";
    return 2;
  }

  if (check_only) {
    const auto warnings = kvmesh::Node::check(options);
    if (!warnings) {
      std::cerr << warnings.status().text() << '\n';
      return 2;
    }
    for (const auto& warning : *warnings) std::cerr << "warning: " << warning << '\n';
    std::cout << "the configuration is valid\n";
    if (has_peers(options)) {
      std::cout
          << "whether it goes together with those of the other nodes: kvmesh verify FILE...\n";
    }
    return finish_output();
  }
  auto node = kvmesh::Node::start(options);
  if (!node) {
    complain(node.status());
    return 2;
  }
  const auto status = (*node)->run();
  if (!status.ok()) complain(status);
  const int exit_status = status.ok() ? 0 : 1;
  // A task that does not stop must not keep the process.
  if (!(*node)->still_running().empty()) std::quick_exit(exit_status);
  return exit_status;
}
