#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/shell/statement.h"

/// What the commands of the shell do, by subject. Each gets as many words as its row of the table
/// allows.
namespace kvmesh::command::shell {

class Shell;
using Words = std::vector<Word>;

// Nodes.
int change_node(Shell& shell, const Words& words);

/// The arguments of a function, from the word at `first` on.
Result<Value::List> arguments_of(const Words& words, std::size_t first);
/// Whether the word stands for the shell's own pid, where a pid is wanted.
bool is_self(const Word& word);
/// How long to wait: seconds, or a duration. Says what is wrong when it is neither, and is empty.
std::optional<std::chrono::milliseconds> wait_of(const Session& session, const Word& word);

// Tasks and processes.
int call_function(Shell& shell, const Words& words);
int spawn_process(Shell& shell, const Words& words);
int spawn_linked(Shell& shell, const Words& words);
int start_task(Shell& shell, const Words& words);
int await_task(Shell& shell, const Words& words);
int call_server(Shell& shell, const Words& words);
int cancel_task(Shell& shell, const Words& words);

// Messages.
int show_self(Shell& shell, const Words& words);
int send_value(Shell& shell, const Words& words);
int receive_message(Shell& shell, const Words& words);
int flush_messages(Shell& shell, const Words& words);
int monitor_process(Shell& shell, const Words& words);
int watch_peers(Shell& shell, const Words& words);
int unwatch_peers(Shell& shell, const Words& words);

// The shell itself.
int show_help(Shell& shell, const Words& words);
int show_variables(Shell& shell, const Words& words);
int clear_screen(Shell& shell, const Words& words);
int quit(Shell& shell, const Words& words);

}  // namespace kvmesh::command::shell
