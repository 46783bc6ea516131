#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/shell/statement.h"

/// The commands of the shell that are those of `kvmesh`: from the same tree, over the shell's
/// connection.
namespace kvmesh::command::shell {

/// The words of such a command as the parser wants them: options first, then -- and the arguments.
/// A word is an option only where one can stand: not in quotes, no variable, not after --; in the
/// place of a value only when the command has it. There - is --stdin, where the command has that.
/// `node`, where it is not empty, is for a command that takes a node, and
/// names none.
std::vector<std::string> arranged(const CLI::App& tree, const CLI::App& command,
                                  const std::vector<Word>& words, const std::string& node);

/// Runs one; gives its exit status. Options such as --timeout are for this run only.
int run_tree_command(Session& session, const std::string& node, const std::string& name,
                     const std::vector<Word>& words);

/// The files that `begin` can become, folders with a / at the end.
std::vector<std::string> file_names(std::string_view begin);

}  // namespace kvmesh::command::shell
