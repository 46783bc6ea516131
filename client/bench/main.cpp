// kvmesh-load: puts a load on a node and measures it; what `kvmesh bench` runs.
#include <string>
#include <vector>

#include "client/bench/load_options.h"
#include "client/bench/protocols.h"
#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/base/usage.h"
#include "common/command_line/completion.h"

namespace kvmesh::bench {
namespace {

using command::Session;

int run(Session& session, int argc, char** argv) {
  CLI::App app{"Puts a load on a node and measures it.", "kvmesh bench"};
  // `kvmesh --node A bench --node B` gives both.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  LoadOptions options;
  add_load_options(app, options, own_protocols());
  app.add_option("--tcp", options.endpoint,
                 "Where the node serves the line protocol (127.0.0.1:4040)")
      ->type_name("HOST:PORT");
  command::add_common_options(app, session);
  for (const char* shared : {"--node", "--key", "--timeout", "--json"}) {
    app.get_option(shared)->group("Options of all commands");
  }
  app.footer(
      "It creates buckets with names like b0000001 and puts every key before it measures; --drop "
      "removes them.\nIt prints no figure unless every request got its right reply, but with "
      "--keep-going.\n\n" +
      command::exit_statuses({}, "requests failed, with --keep-going"));
  if (argc > 1 && argv[1] == command_line::kCompleteCommand) {
    const std::vector<std::string> words{argv + 2, argv + argc};
    session.print(command_line::candidates_text(command_line::complete(app, words)));
    return command::kExitOk;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return command::end_parse(session, app, error);
  }
  if (options.protocol == "native") {
    if (!options.endpoint.empty()) {
      session.complain("--tcp is for --protocol line; the native protocol goes to --node");
      return command::kExitUsage;
    }
    options.endpoint = session.options.endpoints;
  }
  options.json = session.json();
  options.timeout = session.options.timeout;
  options.key_file = session.access().key_file;
  const auto failed = run_load(options);
  if (!failed) return session.fail(failed.status());
  if (*failed == 0) return command::kExitOk;
  session.complain(std::to_string(*failed) + (*failed == 1 ? " request" : " requests") + " failed");
  return command::kExitIncomplete;
}

}  // namespace
}  // namespace kvmesh::bench

int main(int argc, char** argv) {
  return kvmesh::command::run_program(argc, argv, kvmesh::bench::run);
}
