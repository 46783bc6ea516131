// reload: a node reads its configuration again.
#include <memory>
#include <string>

#include "client/command/base/exit_status.h"
#include "client/command/commands.h"
#include "client/command/nodes/info_text.h"
#include "common/functions.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

void add_lines(std::string& out, const Value& report, std::string_view key,
               std::string_view begin) {
  for (const auto& line : list_at(report, key)) {
    const auto* text = line.bytes_or_text();
    if (text != nullptr) out.append(begin).append(printable(*text)).append("\n");
  }
}

std::string report_text(const Value& report) {
  std::string out;
  add_lines(out, report, "changes", "");
  add_lines(out, report, "needs_restart", "warning: ");
  add_lines(out, report, "warnings", "warning: ");
  return list_at(report, "changes").empty() ? out + "nothing has changed\n" : out;
}

int reload(Session& session, const std::string& node) {
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  const Operation operation{Operation::For::kNode, node, functions::kNodeReload.str(), {}};
  const auto outcome = (*client)->call(operation, session.timeout());
  const auto& status = outcome.status;
  const bool faulty = status.code() == StatusCode::kInvalidArgument;
  if (!status.ok()) return faulty ? session.fail_lines(status) : session.fail(status);
  if (session.json()) {
    session.print_json(outcome.result);
  } else {
    session.print(report_text(outcome.result));
  }
  return kExitOk;
}

}  // namespace

void add_reload_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "reload", "Have a node read its configuration again, and print what has changed");
  auto node = std::make_shared<std::string>();
  command->add_option("NODE", *node, "The node: the connected one, or one that it knows")
      ->required();
  command->callback(
      [&session, node] { session.action = [&session, node] { return reload(session, *node); }; });
}

}  // namespace kvmesh::command
