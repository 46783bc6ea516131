#pragma once

#include <kvmesh/status.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/shell/statement.h"

namespace kvmesh::command::shell {

class Shell;

/// What a word of a command names, for completion.
enum class Names : std::uint8_t {
  kNone,
  kCommands,
  kFunctions,
  kNodes,
  kPids,
  kServers,
  kServerFunctions,  // of all servers
  kReceivers,        // pids and servers
  kFunctionsOrNodes,
  kTasks,  // of async
  kTasksOrPids,
  kVariables,  // with their $
};

/// Does what a command says; the words after its name are as many as it takes. Gives an exit
/// status.
using Handler = int (*)(Shell& shell, const std::vector<Word>& words);

/// One option of a command of the shell's own.
struct ShellOption {
  std::string_view name;   // with its dashes
  std::string_view value;  // what follows it; empty: nothing
  std::string_view help;
};

/// One command of the shell.
struct ShellCommand {
  std::string_view name;
  std::string_view usage;  // its words
  std::string_view help;
  std::size_t words_min = 0;
  std::size_t words_max = 0;
  Handler handler = nullptr;         // null: a command of `kvmesh`, which checks its words itself
  std::array<Names, 2> completes{};  // of its first words
  std::string_view group{};
  std::span<const ShellOption> options{};
};

inline constexpr std::size_t kAnyNumber = static_cast<std::size_t>(-1);

/// Null when there is none.
const ShellCommand* find_command(std::span<const ShellCommand> table, std::string_view name);

/// All commands, a line each, in their groups.
std::string help_text(std::span<const ShellCommand> table);
/// Of one its usage, what it does, its options, and lines to learn from, which may be none.
std::string help_of(const ShellCommand& command, std::string_view examples);
/// "usage: call FUNCTION [ARGS...]".
std::string usage_text(const ShellCommand& command);

/// What a line names before the word that is completed; empty: nothing.
struct Where {
  std::string node;
  std::string bucket;
  std::string server;
};

/// Where names for completion come from. What cannot be found out has none.
class NameSource {
 public:
  virtual ~NameSource() = default;
  virtual std::vector<std::string> names(Names kind, const Where& where) = 0;
  /// What the last of the words of a command of `kvmesh`, with its name, can become.
  virtual std::vector<std::string> words(const std::vector<std::string>& words) = 0;
};

struct Completion {
  std::string insert;                // what the cursor's word goes on with
  std::vector<std::string> choices;  // when there are several
};

/// How the last word of `before`, which may be empty, can go on. A line that goes on with a
/// statement names variables only.
Completion complete(std::string_view before, std::span<const ShellCommand> table,
                    NameSource& source, bool goes_on = false);

}  // namespace kvmesh::command::shell
