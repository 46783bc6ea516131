#pragma once

#include <kvmesh/status.h>

#include <vector>

#include "client/command/shell/shell_command.h"
#include "client/command/shell/statement.h"

namespace kvmesh::command::shell {

/// The words of a command of the shell's own, with its options first, each with its value as the
/// next word; they may have stood anywhere, also as --name=value. A bare "--" is taken out: what
/// follows it are no options.
/// kInvalidArgument: a bare word begins with -- and is no option of `command`, or its value is
/// missing; the text says what is right here. Pure.
Result<std::vector<Word>> options_first(const ShellCommand& command, std::vector<Word> words);

/// Whether the command is only asked for its help: a bare --help stands before any "--".
bool asks_for_help(const std::vector<Word>& words);

}  // namespace kvmesh::command::shell
