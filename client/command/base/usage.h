#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "client/command/base/session.h"

/// What is said of a line that the parser refuses.
namespace kvmesh::command {

/// What was typed that is wrong, what is expected, and the nearest right form: one line, without
/// the program's name. `app` is what has thrown `error`.
std::string usage_fault(const CLI::App& app, const CLI::ParseError& error);

/// That there is no command of this name, and the nearest one.
std::string no_command(const CLI::App& app, const std::string& word);
/// The one of `commands`, perhaps with words, that `word` may mean: other programs call it so, or
/// it is near enough and destroys nothing; empty: none.
std::string meant_command(std::string_view word, const std::vector<std::string>& commands);
/// The one of `right` that is near enough to `word` to be meant; empty: none.
std::string nearest(std::string_view word, const std::vector<std::string>& right);

/// "kvmesh get BUCKET KEY": a command with its arguments, as it is typed.
std::string usage_line(const CLI::App& command);

/// Prints the help or version that was asked for, or says on standard error what is wrong; gives
/// the exit status.
int end_parse(const Session& session, const CLI::App& app, const CLI::ParseError& error);

}  // namespace kvmesh::command
