#pragma once

#include <kvmesh/mesh.h>

#include <CLI/CLI.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/command/base/interrupts.h"
#include "client/command/base/session.h"
#include "client/command/base/shown_output.h"
#include "client/command/shell/editor.h"
#include "client/command/shell/shell_command.h"
#include "client/command/shell/shell_values.h"
#include "client/command/shell/started_tasks.h"
#include "client/command/shell/statement.h"
#include "client/command/shell/watches.h"

namespace kvmesh::command::shell {

/// One run of `kvmesh shell`: reads lines and executes them, one after the other, over one
/// connection with one mailbox. One thread.
class Shell final : private NameSource {
 public:
  /// `client` is the session's.
  Shell(Session& session, Client& client);

  /// Until the lines end or one says `quit`. From a terminal with a prompt, and then 0; else the
  /// exit status of the last line that failed, or 0.
  int run();

  // For the handlers.
  Session& session() { return session_; }
  Client& client() { return client_; }
  Mesh& mesh() { return client_.mesh(); }
  const std::shared_ptr<ShownOutput>& output() const { return output_; }
  Interrupts& interrupts() { return *interrupts_; }
  /// The node that commands are for which name none; empty: the connected one.
  const std::string& node() const { return node_; }
  void set_node(std::string node) { node_ = std::move(node); }
  /// Its name for people.
  std::string node_text();
  /// The servers of node(), as server.list tells them; asked for now and then. Nil when they cannot
  /// be found out.
  const Value& servers();
  /// The variables, the tasks of `async`, and the nodes that are watched.
  Variables& variables() { return variables_; }
  /// The commands that are those of `kvmesh`, for their help.
  const CLI::App& tree() const { return tree_; }
  StartedTasks& tasks() { return tasks_; }
  Watches& watches() { return watches_; }
  /// The pid that a word is; `self` is the shell's own.
  Result<Pid> pid_of(const Word& word);
  /// Keeps a pid for completion; with `output`, the sink of the process, as long as that is used:
  /// it is let go of when the process has ended.
  void remember(const Pid& pid, const std::shared_ptr<OutputSink>& output = nullptr);
  /// It has ended.
  void forget(const Pid& pid);
  /// A message was sent to a process there: whether it arrived is told at the end of a script.
  void sent_to(std::string node) { sent_to_.insert(std::move(node)); }
  /// Ends run() after this line.
  void quit() { quits_ = true; }

 private:
  int execute(Statement statement);
  int assign(const std::string& name, const std::vector<Word>& words);
  int run_command(const ShellCommand& command, std::vector<Word> words);
  std::string meant_by(const Word& word) const;
  int no_command(const Word& word) const;
  Result<Value> variable(std::string_view name);
  int run_interactive();
  int run_plain();
  int run_lines();
  int tell_undelivered();
  std::vector<std::string> names(Names kind, const Where& where) override;
  std::vector<std::string> names_at(Names kind, const Where& where);
  std::vector<std::string> words(const std::vector<std::string>& words) override;
  std::vector<std::string> functions();
  std::vector<std::string> pids() const;

  struct KnownPid {
    std::string text;
    bool has_output = false;
    std::weak_ptr<OutputSink> output;
  };

  struct Known {
    std::vector<std::string> functions;
    std::chrono::steady_clock::time_point asked;
  };

  struct KnownServers {
    Value told;
    std::chrono::steady_clock::time_point asked;
  };

  Session& session_;
  Client& client_;
  CLI::App tree_{"", ""};
  std::shared_ptr<ShownOutput> output_;
  std::unique_ptr<Interrupts> interrupts_;  // while it runs
  std::string connected_;                   // the connected node's name, once it is known
  std::string connected_at_;                // its endpoint
  std::string node_;
  std::map<std::string, Known> known_;                 // by node
  std::map<std::string, KnownServers> known_servers_;  // by node
  std::deque<KnownPid> pids_;                          // the latest last
  Variables variables_;
  StartedTasks tasks_;
  Watches watches_;
  std::set<std::string> sent_to_;  // nodes
  bool quits_ = false;
};

/// The commands of the shell, in the order of `help`.
std::span<const ShellCommand> shell_commands();

}  // namespace kvmesh::command::shell
