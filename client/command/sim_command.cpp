// sim: a program of its own, kvmesh-sim, that lies beside this one.
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "client/command/commands.h"
#include "client/command/exit_status.h"

namespace kvmesh::command {
namespace {

namespace fs = std::filesystem;

int hand_over(Session& session, const std::vector<std::string>& arguments) {
  std::error_code error;
  auto self = fs::read_symlink("/proc/self/exe", error);
  if (error) self = "kvmesh";
  const auto program = self.replace_filename("kvmesh-sim").string();
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program);
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(program.c_str(), pointers.data());
  const int reason = errno;
  session.complain("cannot run " + program + ": " + std::generic_category().message(reason) +
                   "; install it beside kvmesh");
  return kExitUsage;
}

}  // namespace

int run_sim(Session& session, int argc, char** argv) {
  return hand_over(session, {argv, argv + argc});
}

void add_sim_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "sim", "Run a mesh in one process, with simulated time and faults, and check its promises");
  command->fallthrough(false);  // what follows is the simulation's, and no option of this program
  command->prefix_command();
  command->callback([&session, command] {
    session.action = [&session, arguments = command->remaining()] {
      return hand_over(session, arguments);
    };
  });
}

}  // namespace kvmesh::command
