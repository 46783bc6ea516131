#pragma once

#include <CLI/CLI.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "client/command/base/session.h"
#include "common/routing_table.h"

namespace kvmesh::command {

// What the programs of client/ share: help, the frame of main(), and options.

/// Help as all programs of client/ print it: an argument is its word and what it is; the help of a
/// command shows the options that all commands share, too.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

/// The last lines of a command's help: "Exit status: 0 done; 2 wrong usage; ..."; with what 1, 3
/// and 4 mean of it, where they can be.
std::string exit_statuses(std::string_view one = {}, std::string_view three = {},
                          std::string_view four = {});
/// The same of a command that sends no request.
std::string exit_statuses_of_no_mesh();

/// The whole of main() around `run`, which parses and acts and gives the exit status: descriptors 0
/// to 2 are open before anything else opens one, what was printed is written, and what a library
/// throws is told.
int run_program(int argc, char** argv, int (*run)(Session& session, int argc, char** argv));

/// Adds --timeout and --json, which fill in `session.options`.
void add_request_options(CLI::App& app, Session& session);

/// Adds --node, --key, --timeout and --json, which fill in `session.options`; --help, --help-all
/// and
/// --version. `session` must outlive the parser.
void add_common_options(CLI::App& app, Session& session);

/// Adds an option that takes a duration as parse_duration() does. `where` must outlive the parser.
void add_duration(CLI::App& app, const char* name, std::chrono::milliseconds& where,
                  const char* text);

/// Adds --retry-for, which takes 0, too. `where` must outlive the parser.
void add_retry_for(CLI::App& app, std::chrono::milliseconds& where);

/// Adds --range RANGE, as tables write them. `where` must outlive the parser.
void add_range(CLI::App& app, std::optional<RouteRange>& where, const char* text);

/// What is wrong with a word that is an endpoint where the name of a node belongs, and what to
/// write; empty: it is none. Pure.
std::string endpoint_fault(const Session& session, std::string_view word);

/// Has the options and arguments of a command that name nodes refuse endpoints so.
void refuse_endpoints(CLI::App& command, const Session& session);

/// Adds the words after a function, which are its arguments, to a command; results() of the option
/// gives them. As they are: of a vector CLI11 would take "[1,2]" and "{}" apart.
CLI::Option* add_argument_words(CLI::App& command);

}  // namespace kvmesh::command
