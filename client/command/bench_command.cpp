// bench: puts a load on a node and measures it.
#include <memory>

#include "client/bench/load_options.h"
#include "client/bench/protocols.h"
#include "client/command/commands.h"
#include "client/command/exit_status.h"

namespace kvmesh::command {

void add_bench_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("bench", "Put a load on a node and measure it");
  auto options = std::make_shared<bench::LoadOptions>();
  bench::add_load_options(*command, *options, bench::own_protocols());
  command
      ->add_option("--tcp", options->endpoint,
                   "Where the node serves the line protocol (127.0.0.1:4040)")
      ->type_name("HOST:PORT");
  command->footer(
      "It creates buckets with names like b0000001 and puts every key before it measures; drop "
      "them when you are\ndone. It prints no figure unless every request got its right reply.");
  command->callback([&session, options] {
    session.action = [&session, options] {
      if (options->protocol == "native") {
        if (!options->endpoint.empty()) {
          session.complain("--tcp is for --protocol line; the native protocol goes to --node");
          return kExitUsage;
        }
        options->endpoint = session.options.endpoint;
      }
      options->json = session.json();
      options->timeout = session.options.timeout;
      return session.finish(bench::run_load(*options));
    };
  });
}

}  // namespace kvmesh::command
