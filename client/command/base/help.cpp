#include "client/command/base/help.h"

#include <utility>

namespace kvmesh::command {
namespace {

std::string part(const char* number, std::string_view meaning) {
  return meaning.empty() ? "" : "; " + std::string{number} + " " + std::string{meaning};
}

}  // namespace

HelpFormatter::HelpFormatter() { label("SUBCOMMAND", "COMMAND"); }

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_positional() && option->get_option_text().empty()) {
    return option->get_items_expected_max() > 1 ? " ..." : "";
  }
  return CLI::Formatter::make_option_opts(option);
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  const auto* program = app->get_parent();
  if (program == nullptr || mode != CLI::AppFormatMode::Normal) {
    return CLI::Formatter::make_help(app, std::move(name), mode);
  }
  const auto shared = program->get_options([&](const CLI::Option* option) {
    return option != program->get_help_ptr() && option != program->get_help_all_ptr() &&
           option != program->get_version_ptr();
  });
  return make_description(app) + make_usage(app, std::move(name)) + make_positionals(app) +
         make_groups(app, mode) + make_group("Options of all commands", false, shared) + "\n" +
         make_footer(app);
}

std::string exit_statuses(std::string_view one, std::string_view three) {
  return "Exit status: 0 done" + part("1", one) + "; 2 wrong usage" + part("3", three) +
         ";\n10 + the status code's number otherwise (11 not_found, 13 no_route, 14 unavailable, "
         "...); see kvmesh(1).";
}

std::string exit_statuses_of_no_mesh() { return "Exit status: 0 done; 2 wrong usage."; }

}  // namespace kvmesh::command
