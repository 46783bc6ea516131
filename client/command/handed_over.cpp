// sim and bench: programs of their own, that lie beside this one.
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/commands.h"
#include "common/command_line/completion.h"

namespace kvmesh::command {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSim = "kvmesh-sim";
constexpr const char* kBench = "kvmesh-load";

// Returns only when it could not be run.
int hand_over(Session& session, std::string_view program, std::vector<std::string> words) {
  std::error_code error;
  auto self = fs::read_symlink("/proc/self/exe", error);
  if (error) self = "kvmesh";
  const auto path = self.replace_filename(program).string();
  words.insert(words.begin(), path);
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(path.c_str(), pointers.data());
  const int reason = errno;
  session.complain("cannot run " + path + ": " + std::generic_category().message(reason) +
                   "; install it beside kvmesh, or build it with ./dev build");
  return kExitUsage;
}

// All that follows its name is the other program's, --help included.
CLI::App* add_foreign_command(CLI::App& app, const char* name, const char* text) {
  auto* command = app.add_subcommand(name, text);
  command->set_help_flag();
  command->fallthrough(false);
  command->prefix_command();
  return command;
}

}  // namespace

int complete_handed_over(Session& session, const CLI::App& command,
                         std::vector<std::string> words) {
  words.emplace(words.begin(), command_line::kCompleteCommand);
  return hand_over(session, command.get_name() == "sim" ? kSim : kBench, std::move(words));
}

void add_sim_command(CLI::App& app, Session& session) {
  auto* command = add_foreign_command(
      app, "sim",
      "Run a mesh in one process, with simulated time and faults, and check its promises");
  command->callback([&session, command] {
    session.action = [&session, words = command->remaining()] {
      return hand_over(session, kSim, words);
    };
  });
}

void add_bench_command(CLI::App& app, Session& session) {
  auto* command = add_foreign_command(app, "bench", "Put a load on a node and measure it");
  command->callback([&session, command] {
    session.action = [&session, given = command->remaining()] {
      const auto& options = session.options;
      std::vector<std::string> words{"--node", options.endpoints, "--timeout",
                                     std::to_string(options.timeout.count()) + "ms"};
      if (!options.key.empty()) {
        words.emplace_back("--key");
        words.push_back(options.key);
      }
      if (options.json) words.emplace_back("--json");
      words.insert(words.end(), given.begin(), given.end());
      return hand_over(session, kBench, std::move(words));
    };
  });
}

}  // namespace kvmesh::command
