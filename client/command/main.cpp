// kvmesh: the command line of a mesh. Parses, runs the chosen command's action, gives its exit
// status.
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/base/usage.h"
#include "client/command/command_line.h"
#include "client/command/commands.h"
#include "client/command/mesh_names.h"

namespace kvmesh::command {
namespace {

// `kvmesh help get` is `kvmesh get --help`, that of programs of their own included.
std::vector<char*> as_options(int argc, char** argv) {
  static char help_option[] = "--help";
  std::vector<char*> words{argv, argv + argc};
  int at = 1;  // after the options
  while (at < argc && *argv[at] == '-') {
    const std::string_view option{argv[at]};
    at += option == "--node" || option == "--key" || option == "--timeout" ? 2 : 1;
  }
  if (at >= argc || argc - at > 2 || std::string_view{argv[at]} != "help") return words;
  words.erase(words.begin() + at);
  words.push_back(help_option);
  return words;
}

// For the scripts of shells: prints how the last word can go on.
int complete(Session& session, const CLI::App& app, const std::vector<std::string>& words) {
  std::string given;
  if (words.size() > 1) {
    const auto line = command_line::read_line(app, std::span{words}.first(words.size() - 1));
    if (line.command != nullptr && line.command->get_prefix_command()) {
      return complete_handed_over(
          session, *line.command,
          {words.begin() + static_cast<std::ptrdiff_t>(line.after_command), words.end()});
    }
    given = line.value_of("--node");
    session.options.key = line.value_of("--key");
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes it
  const char* usual = std::getenv(app.get_option("--node")->get_envname().c_str());
  if (given.empty() && usual != nullptr) given = usual;
  if (!given.empty()) session.options.endpoints = given;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): as above
  const char* usual_key = std::getenv(app.get_option("--key")->get_envname().c_str());
  if (session.options.key.empty() && usual_key != nullptr) session.options.key = usual_key;
  MeshNames names{session};
  session.print(command_line::candidates_text(command_line::complete(app, words, names)));
  return kExitOk;
}

int run(Session& session, int argc, char** argv) {
  CLI::App app{"Talks to a mesh of kvmesh nodes through any one of them.", "kvmesh"};
  add_command_line(app, session);
  if (argc > 1 && argv[1] == command_line::kCompleteCommand) {
    return complete(session, app, {argv + 2, argv + argc});
  }
  auto words = as_options(argc, argv);
  try {
    app.parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError& error) {
    return end_parse(session, app, error);
  }
  return session.action();
}

}  // namespace
}  // namespace kvmesh::command

int main(int argc, char** argv) {
  return kvmesh::command::run_program(argc, argv, kvmesh::command::run);
}
