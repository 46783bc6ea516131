#pragma once

#include <CLI/CLI.hpp>

#include "client/command/base/session.h"

namespace kvmesh::command {

/// Adds all commands of `kvmesh` and the options that they share, as help lists them: in groups.
/// This tree is the one table of commands: the command line is parsed by it, help is printed from
/// it, completion (common/command_line/completion.h) and the shell read it, and the manual page is
/// checked against it. `session` outlives the parser.
void add_command_line(CLI::App& app, Session& session);

/// Adds those of them that the shell has too, with --timeout and --json, to a parser without a
/// name. Not those that it has in a form of its own, and not programs of their own.
void add_shell_commands(CLI::App& app, Session& session);

}  // namespace kvmesh::command
