// shell: the command that runs the shell.
#include "client/command/commands.h"
#include "client/command/shell/shell.h"

namespace kvmesh::command {

void add_shell_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "shell", "Read commands from a terminal, with history and completion, or from a pipe");
  command->callback([&session] {
    session.action = [&session] {
      const auto client = session.client();
      if (!client) return session.fail(client.status());
      return shell::Shell{session, **client}.run();
    };
  });
}

}  // namespace kvmesh::command
