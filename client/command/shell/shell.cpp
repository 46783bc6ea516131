#include "client/command/shell/shell.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "client/command/base/exit_status.h"
#include "client/command/nodes/info_text.h"
#include "client/command/shell/editor.h"
#include "client/command/shell/history.h"
#include "client/command/shell/words.h"
#include "client/command/tasks/task_runs.h"
#include "client/command/tasks/task_texts.h"
#include "common/functions.h"
#include "common/text.h"

namespace kvmesh::command::shell {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kNamesWait{300};  // whoever presses TAB waits for this
constexpr std::chrono::seconds kNamesAge{5};
constexpr std::size_t kPidsMax = 100;

const char* variable(const char* name) {
  return std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody writes it
}

}  // namespace

Shell::Shell(Session& session, Client& client)
    : session_(session), client_(client), output_(output_of(session)) {}

int Shell::run() {
  return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0 ? run_interactive() : run_plain();
}

int Shell::run_interactive() {
  interrupts_ = std::make_unique<Interrupts>();
  const std::string where = node_text();
  if (!connected_.empty() && !session_.json()) {
    session_.print_line("Connected to " + where + " at " + session_.where() +
                        "; help lists the commands, Ctrl-D ends.");
  }
  Editor editor{
      *output_, *interrupts_,
      [this](std::string_view before) { return complete(before, shell_commands(), *this); },
      history_path(variable("XDG_STATE_HOME"), variable("HOME"))};
  std::string line;
  while (!quits_) {
    const auto got = editor.next(node_text() + "> ", line);
    if (got == Lines::Got::kEnd) break;
    if (got == Lines::Got::kLine) (void)execute(line);
  }
  return kExitOk;
}

int Shell::run_plain() {
  interrupts_ = std::make_unique<Interrupts>();
  interrupts_->release();  // one ends the shell, and with it what it waits for
  PlainLines lines;
  std::string line;
  int last_failure = kExitOk;
  while (!quits_ && lines.next({}, line) == Lines::Got::kLine) {
    if (const int status = execute(line); status != kExitOk) last_failure = status;
  }
  return last_failure;
}

int Shell::execute(std::string_view line) {
  auto words = split_words(line);
  if (!words) {
    session_.complain(words.status().text());
    return kExitUsage;
  }
  if (words->empty()) return kExitOk;
  const std::string name = words->front().text;
  words->erase(words->begin());
  const ShellCommand* command = find_command(shell_commands(), name);
  if (command == nullptr) {
    session_.complain("there is no command " + in_quotes(name) + "; help lists them");
    return kExitUsage;
  }
  if (words->size() < command->words_min || words->size() > command->words_max) {
    session_.complain(usage_text(*command));
    return kExitUsage;
  }
  return command->handler(*this, *words);
}

std::string Shell::node_text() {
  if (!node_.empty()) return node_;
  // With several endpoints it may be another node by now.
  const auto endpoint = client_.connected_endpoint();
  if (connected_.empty() || (!endpoint.empty() && endpoint != connected_at_)) {
    connected_at_ = endpoint;
    const auto told =
        client_.call({Operation::For::kHere, "", functions::kNodeName.str(), {}}, kNamesWait);
    if (const auto* name = told.result.bytes_or_text()) connected_ = printable(*name);
  }
  return connected_.empty() ? session_.where() : connected_;
}

void Shell::remember(const Pid& pid) {
  if (pid.empty()) return;
  std::string text = pid.to_string();
  std::erase(pids_, text);
  pids_.push_back(std::move(text));
  if (pids_.size() > kPidsMax) pids_.pop_front();
}

std::vector<std::string> Shell::names(Names kind) {
  switch (kind) {
    case Names::kFunctions:
      return functions();
    case Names::kNodes:
      return nodes();
    case Names::kPids:
      return {pids_.begin(), pids_.end()};
    case Names::kBuckets: {
      auto page = client_.buckets(node_, {}, limits::kPageItemsDefault, kNamesWait);
      return page ? std::move(page->names) : std::vector<std::string>{};
    }
    case Names::kReceivers: {
      auto out = server_names(servers());
      out.insert(out.end(), pids_.begin(), pids_.end());
      return out;
    }
    case Names::kServers:
      return server_names(servers());
    case Names::kServerFunctions:
      return server_functions(servers());
    case Names::kCommands:
    case Names::kNone:
      break;
  }
  return {};
}

std::vector<std::string> Shell::functions() {
  auto& known = known_[node_];
  const auto now = steady_clock::now();
  if (known.functions.empty() || now - known.asked > kNamesAge) {
    const auto told = mesh().call({kNamesWait, nullptr}, node_, functions::kTaskModules.str());
    if (told) known = {module_functions(*told), now};
  }
  return known.functions;
}

const Value& Shell::servers() {
  auto& known = known_servers_[node_];
  const auto now = steady_clock::now();
  if (known.told.is_nil() || now - known.asked > kNamesAge) {
    if (auto told = servers_of(mesh(), node_, kNamesWait)) known = {*std::move(told), now};
  }
  return known.told;
}

std::vector<std::string> Shell::nodes() {
  const auto told = client_.info({}, kNamesWait);
  if (!told) return {};
  std::vector<std::string> out{text_at(*told, "name")};
  for (const auto& peer : list_at(*told, "peers")) out.push_back(text_at(peer, "name"));
  for (const auto& via : list_at(*told, "vias")) out.push_back(text_at(via, "name"));
  return out;
}

}  // namespace kvmesh::command::shell
