#include "client/command/shell/shell.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "client/command/base/session.h"
#include "client/command/base/usage.h"
#include "client/command/base/values.h"
#include "client/command/command_line.h"
#include "client/command/mesh_names.h"
#include "client/command/nodes/info_text.h"
#include "client/command/shell/editor.h"
#include "client/command/shell/handlers.h"
#include "client/command/shell/history.h"
#include "client/command/shell/shell_options.h"
#include "client/command/shell/statement.h"
#include "client/command/shell/tree_commands.h"
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

const std::string kGoesOn = "...> ";

// Commands of `kvmesh` that the shell has not.
constexpr std::array<std::string_view, 3> kOnlyOutside = {"bench", "sim", "shell"};

std::vector<std::string> both(std::vector<std::string> some, const std::vector<std::string>& more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

const ShellCommand* command_of(const Word& word) {
  return word.is_bare() ? find_command(shell_commands(), word.text) : nullptr;
}

const char* variable_of(const char* name) {
  return std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody writes it
}

}  // namespace

Shell::Shell(Session& session, Client& client)
    : session_(session),
      client_(client),
      output_(output_of(session)),
      watches_(session, client, *output_) {
  session_.owns_stdin = false;
  add_shell_commands(tree_, session_);
}

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
  StatementReader reader;
  Editor editor{*output_, *interrupts_,
                [&](std::string_view before) {
                  return complete(before, shell_commands(), *this, reader.is_open());
                },
                history_path(variable_of("XDG_STATE_HOME"), variable_of("HOME"))};
  std::string line;
  while (!quits_) {
    const auto got = editor.next(reader.is_open() ? kGoesOn : node_text() + "> ", line);
    Status status;
    if (got == Lines::Got::kEnd) {
      if (!reader.is_open()) break;
      status = reader.unclosed();
    } else if (got == Lines::Got::kLine) {
      status = reader.add(line);
      if (status.ok() && reader.is_open()) continue;
    }
    editor.remember(reader.text());
    if (!status.ok()) {
      session_.complain(status.text());
    } else if (got == Lines::Got::kLine) {
      (void)execute(reader.take());
    }
    reader = StatementReader{};
  }
  return kExitOk;
}

int Shell::run_plain() {
  interrupts_ = std::make_unique<Interrupts>();
  interrupts_->release();  // one ends the shell, and with it what it waits for
  const int status = run_lines();
  const int undelivered = tell_undelivered();
  return status == kExitOk ? undelivered : status;
}

// What a script has sent and did not read the answer of may not have arrived.
int Shell::tell_undelivered() {
  if (sent_to_.empty()) return kExitOk;
  // By the time that a node has answered this, it has answered what was sent to it before.
  for (const auto& node : sent_to_) (void)client_.ping(node, kNamesWait);
  int status = kExitOk;
  for (const auto& message : mesh().flush()) {
    if (message.kind != MessageKind::kUndelivered) continue;
    session_.complain(message_text(message));
    if (session_.json()) session_.print_json(message_json(message));
    const auto* reason = message.body.bytes_or_text();
    status = exit_status(end_status(reason != nullptr ? *reason : "").code());
  }
  return status;
}

int Shell::run_lines() {
  PlainLines lines;
  std::string line;
  StatementReader reader{1};
  int last_failure = kExitOk;
  std::size_t first = 1;
  for (std::size_t next = 2; !quits_ && lines.next({}, line) == Lines::Got::kLine; ++next) {
    if (Status status = reader.add(line); !status.ok()) {
      // What follows may be meant as text.
      session_.complain(status.text());
      return kExitUsage;
    }
    if (reader.is_open()) continue;
    session_.script_line = std::exchange(first, next);
    if (const int status = execute(reader.take()); status != kExitOk) last_failure = status;
    session_.script_line = 0;
    reader = StatementReader{next};
  }
  if (!reader.is_open()) return last_failure;
  session_.complain(reader.unclosed().text());
  return kExitUsage;
}

int Shell::execute(Statement statement) {
  session_.result.reset();
  session_.why_no_result.clear();
  auto& words = statement.words;
  if (words.empty() && statement.name.empty()) return kExitOk;
  const bool named = !statement.name.empty();
  const Lookup lookup = [this](std::string_view name) { return variable(name); };
  if (const Status status = resolve(words, lookup); !status.ok()) {
    session_.complain(status.text());
    return kExitUsage;
  }
  if (named) return assign(statement.name, words);
  if (words.size() == 1 && words.front().value) {
    session_.print_value(*words.front().value);
    return kExitOk;
  }
  const ShellCommand* command = command_of(words.front());
  if (command == nullptr) return no_command(words.front());
  return run_command(*command, std::move(words));
}

int Shell::assign(const std::string& name, const std::vector<Word>& words) {
  std::string fault;
  const ShellCommand* command = words.empty() ? nullptr : command_of(words[0]);
  if (find_command(shell_commands(), name) != nullptr) {
    fault = in_quotes(name) + " is a command, and cannot be a variable; write '=' for the text";
  } else if (words.empty()) {
    fault =
        "after " + name + " = stands nothing; usage: NAME = COMMAND [WORDS...], or NAME = VALUE";
  } else if (command == nullptr && words.size() > 1) {
    if (!meant_by(words[0]).empty()) return no_command(words[0]);
    fault = name + " = takes a command or one value, but " + in_quotes(words[0].text) +
            " is no command; write a list as [5, 6], and text of several words between quotes";
  }
  if (!fault.empty()) {
    session_.complain(fault);
    return kExitUsage;
  }
  if (command == nullptr) {
    auto value = value_of(words[0]);
    if (!value) return session_.fail(value.status());
    session_.print_value(*value);
    session_.result = *std::move(value);
  } else {
    if (const int status = run_command(*command, words); status != kExitOk) return status;
    if (!session_.result) {
      const auto& why = session_.why_no_result;
      session_.complain(std::string{command->name} + " gave no result that " + name +
                        " could be; it stays as it was" + (why.empty() ? "" : ": " + why));
      return kExitUsage;
    }
  }
  if (const Status status = variables_.set(name, *session_.result); !status.ok()) {
    session_.complain(status.text());
    return kExitUsage;
  }
  return kExitOk;
}

int Shell::run_command(const ShellCommand& command, std::vector<Word> words) {
  words.erase(words.begin());
  if (command.handler == nullptr) {
    const BreaksOff breaks{*interrupts_};
    const int status = run_tree_command(session_, node_, std::string{command.name}, words);
    if (status == kExitOk && session_.result) variables_.set_last(*session_.result);
    return status;
  }
  if (asks_for_help(words)) return show_help(*this, Words{Word{std::string{command.name}}});
  auto arranged = options_first(command, std::move(words));
  if (!arranged) {
    session_.complain(arranged.status().text());
    return kExitUsage;
  }
  words = *std::move(arranged);
  if (words.size() < command.words_min || words.size() > command.words_max) {
    session_.complain(usage_text(command));
    return kExitUsage;
  }
  const int status = command.handler(*this, words);
  if (status == kExitOk && session_.result) variables_.set_last(*session_.result);
  return status;
}

std::string Shell::meant_by(const Word& word) const {
  std::vector<std::string> names;
  for (const auto& command : shell_commands()) names.emplace_back(command.name);
  return variables_.all().contains(word.text) ? "$" + word.text : meant_command(word.text, names);
}

int Shell::no_command(const Word& word) const {
  if (std::ranges::find(kOnlyOutside, word.text) != kOnlyOutside.end()) {
    session_.complain("this shell has no " + word.text + "; run kvmesh " + word.text +
                      " in the shell of the system");
    return kExitUsage;
  }
  const auto meant = meant_by(word);
  session_.complain("there is no command " + in_quotes(word.text) +
                    (meant.empty() ? "; help lists them" : "; did you mean " + meant + "?"));
  return kExitUsage;
}

Result<Value> Shell::variable(std::string_view name) {
  if (name != "self") return variables_.find(name);
  const auto pid = mesh().self();
  if (!pid) return pid.status();
  return Value{pid->to_string()};
}

Result<Pid> Shell::pid_of(const Word& word) {
  if (is_self(word)) return mesh().self();
  return parse_pid(text_of(word), node_text());
}

std::string Shell::node_text() {
  if (!node_.empty()) return node_;
  // With several endpoints it may be another node by now.
  const auto endpoint = client_.connected_endpoint();
  if (connected_.empty() || (!endpoint.empty() && endpoint != connected_at_)) {
    connected_.clear();
    const auto told =
        client_.call({Operation::For::kHere, "", functions::kNodeName.str(), {}}, kNamesWait);
    if (const auto* name = told.result.bytes_or_text()) {
      connected_ = printable(*name);
      connected_at_ = endpoint;
    }
  }
  return connected_.empty() ? session_.where() : connected_;
}

void Shell::remember(const Pid& pid, const std::shared_ptr<OutputSink>& output) {
  if (pid.empty()) return;
  const std::string text = pid.to_string();
  const auto known = [&](const KnownPid& one) { return one.text == text; };
  if (output == nullptr && std::any_of(pids_.begin(), pids_.end(), known)) return;
  std::erase_if(pids_, known);
  pids_.push_back({text, output != nullptr, output});
  if (pids_.size() > kPidsMax) pids_.pop_front();
}

void Shell::forget(const Pid& pid) {
  std::erase_if(pids_, [text = pid.to_string()](const auto& one) { return one.text == text; });
}

std::vector<std::string> Shell::pids() const {
  std::vector<std::string> out;
  for (const auto& one : pids_) {
    if (!one.has_output || !one.output.expired()) out.push_back(one.text);
  }
  return out;
}

std::vector<std::string> Shell::names(Names kind, const Where& where) {
  if (!where.node.empty() || !where.bucket.empty()) return names_at(kind, where);
  switch (kind) {
    case Names::kFunctions:
      return functions();
    case Names::kNodes:
      return names_at(kind, where);
    case Names::kPids:
      return pids();
    case Names::kReceivers:
      return both(server_names(servers()), pids());
    case Names::kFunctionsOrNodes:
      return both(functions(), names_at(Names::kNodes, where));
    case Names::kTasks:
      return tasks_.names();
    case Names::kTasksOrPids:
      return both(tasks_.names(), pids());
    case Names::kVariables: {
      std::vector<std::string> out{"$self"};
      for (const auto& [name, value] : variables_.all()) out.push_back("$" + name);
      return out;
    }
    case Names::kServers:
      return server_names(servers());
    case Names::kServerFunctions:
      return server_functions(servers(), where.server);
    case Names::kCommands:
    case Names::kNone:
      break;
  }
  return {};
}

// As `kvmesh __complete` does.
std::vector<std::string> Shell::names_at(Names kind, const Where& where) {
  using Kind = command_line::Names;
  command_line::Wanted wanted;
  wanted.what = kind == Names::kNodes             ? Kind::kNodes
                : kind == Names::kServers         ? Kind::kServers
                : kind == Names::kServerFunctions ? Kind::kServerFunctions
                                                  : Kind::kFunctions;
  wanted.node = where.node;
  wanted.bucket = where.bucket;
  wanted.server = where.server;
  return MeshNames{session_}.names(wanted);
}

std::vector<std::string> Shell::words(const std::vector<std::string>& words) {
  // What is for the shell's node, where the line names none.
  class Source final : public command_line::NameSource {
   public:
    Source(Session& session, const std::string& node) : mesh_(session), node_(node) {}
    std::vector<std::string> names(const command_line::Wanted& wanted) override {
      auto at_node = wanted;
      if (wanted.what == command_line::Names::kPids && wanted.node.empty()) at_node.node = node_;
      return mesh_.names(at_node);
    }

   private:
    MeshNames mesh_;
    const std::string& node_;
  } source{session_, node_};
  auto found = command_line::complete(tree_, words, source);
  if (!found.files) return std::move(found.words);
  auto files = file_names(std::string_view{words.back()}.substr(found.begin.size()));
  for (auto& file : files) file.insert(0, found.begin);
  return files;
}

std::vector<std::string> Shell::functions() {
  auto& known = known_[node_];
  const auto now = steady_clock::now();
  if (known.functions.empty() || now - known.asked > kNamesAge) {
    auto told = names_at(Names::kFunctions, {node_, {}, {}});
    if (!told.empty()) known = {std::move(told), now};
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

}  // namespace kvmesh::command::shell
