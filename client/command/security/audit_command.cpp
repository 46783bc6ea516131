// audit.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/commands.h"
#include "common/functions.h"

namespace kvmesh::command {
namespace {

constexpr std::chrono::milliseconds kAuditSlice{1000};  // how long one question waits for lines
constexpr std::chrono::milliseconds kAuditPause{500};   // before a node that is away is asked again

struct AuditPage {
  std::uint64_t next = 0;
  bool gap = false;
  std::vector<std::string> lines;
};

std::optional<AuditPage> page_of(const Value& answer) {
  const auto* parts = answer.get_if<Value::List>();
  if (parts == nullptr || parts->size() < 3) return std::nullopt;
  const auto next = (*parts)[0].to_uint();
  const auto* gap = (*parts)[1].get_if<bool>();
  const auto* lines = (*parts)[2].get_if<Value::List>();
  if (!next || gap == nullptr || lines == nullptr) return std::nullopt;
  AuditPage out{*next, *gap, {}};
  for (const auto& line : *lines) {
    const auto* text = line.get_if<std::string>();
    if (text == nullptr) return std::nullopt;
    out.lines.push_back(*text);
  }
  return out;
}

// Until it is interrupted, or may not know.
int follow_audit(Session& session) {
  const auto client = session.connected_client();
  if (!client) return session.fail(client.status());
  std::uint64_t seen = 0;
  bool away = false;
  while (true) {
    Operation ask;
    ask.function = functions::kNodeAudit.str();
    ask.args = {seen};
    const auto outcome = (*client)->call(ask, kAuditSlice);
    if (!outcome.status.ok()) {
      if (!is_transient(outcome.status.code())) return session.fail(outcome.status);
      if (!away) session.complain(outcome.status.to_string() + "; it is asked again and again");
      away = true;
      std::this_thread::sleep_for(kAuditPause);
      continue;
    }
    away = false;
    const auto page = page_of(outcome.result);
    if (!page) {
      return session.fail({StatusCode::kProtocolError,
                           "the answer of " + session.where() + " is no page of an audit log"});
    }
    if (page->gap) session.complain("lines between are missing: the node keeps the last ones only");
    for (const auto& line : page->lines) session.print_line(line);
    seen = page->next;
  }
}

}  // namespace

void add_audit_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "audit",
      "Follow the audit log of the connected node: a JSON object a line, from the oldest "
      "that it keeps");
  command->footer(exit_statuses());
  command->callback([&session] { session.action = [&session] { return follow_audit(session); }; });
}

}  // namespace kvmesh::command
