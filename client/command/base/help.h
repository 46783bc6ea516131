#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>

namespace kvmesh::command {

/// Help as all programs of client/ print it: an argument is its word and what it is; the help of a
/// command shows the options that all commands share, too.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

/// The last lines of a command's help: "Exit status: 0 done; 2 wrong usage; ..."; with what 1 and 3
/// mean of it, where they can be.
std::string exit_statuses(std::string_view one = {}, std::string_view three = {});
/// The same of a command that sends no request.
std::string exit_statuses_of_no_mesh();

}  // namespace kvmesh::command
