#include "client/command/base/program.h"

#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "client/command/base/numbers.h"
#include "client/command/base/session.h"
#include "common/command_line/completion.h"
#include "common/standard_descriptors.h"
#include "common/text.h"

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

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  constexpr std::string_view kOff = "{false}";  // how the parser marks the one that says no
  auto name = CLI::Formatter::make_option_name(option, is_positional);
  if (const auto at = name.find(kOff); at != std::string::npos) name.erase(at, kOff.size());
  return name;
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

std::string exit_statuses(std::string_view one, std::string_view three, std::string_view four) {
  return "Exit status: 0 done" + part("1", one) + "; 2 wrong usage" + part("3", three) +
         part("4", four) +
         ";\n10 + the status code's number otherwise (11 not_found, 13 no_route, 14 unavailable, "
         "...); see kvmesh(1).";
}

std::string exit_statuses_of_no_mesh() { return "Exit status: 0 done; 2 wrong usage."; }

int run_program(int argc, char** argv, int (*run)(Session& session, int argc, char** argv)) {
  open_standard_descriptors();
  try {
    Session session;
    return session.finish_output(run(session, argc, argv));
  } catch (const std::exception& error) {  // of a library, such as for lack of memory
    std::fprintf(stderr, "kvmesh: internal: %s\n", error.what());
    return exit_status(StatusCode::kInternal);
  }
}

void add_request_options(CLI::App& app, Session& session) {
  add_duration(app, "--timeout", session.options.timeout,
               "How long one request may take, for example 500ms or 5s (the default)");
  app.add_flag("--json", session.options.json, "Print JSON, one document a line");
}

void add_common_options(CLI::App& app, Session& session) {
  app.add_option("--node", session.options.endpoints,
                 "Where the node listens for the mesh; of several, with commas between them, the "
                 "next is used when one is gone")
      ->envname("KVMESH_NODE")
      ->type_name("ENDPOINT")
      ->capture_default_str();
  app.add_option(
         "--key", session.options.key,
         "Your key file, for nodes that ask for a key; without it ~/.config/kvmesh/key, if it "
         "is there; none: no key")
      ->envname("KVMESH_KEY")
      ->type_name("FILE");
  add_request_options(app, session);
  app.set_version_flag("-v,--version", "kvmesh " KVMESH_VERSION, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_help_all_flag("--help-all", "Print the help of all commands and exit");
}

void add_duration(CLI::App& app, const char* name, std::chrono::milliseconds& where,
                  const char* text) {
  app.add_option_function<std::string>(
         name,
         [name, &where](const std::string& given) {
           const auto duration = parse_duration(given);
           if (!duration) {
             throw CLI::ValidationError(name, "\"" + given +
                                                  "\" is no duration between 1ms and 24h; write "
                                                  "for example 500ms or 5s");
           }
           where = *duration;
         },
         text)
      ->type_name("DURATION");
}

void add_retry_for(CLI::App& app, std::chrono::milliseconds& where) {
  app.add_option_function<std::string>(
         "--retry-for",
         [&where](const std::string& text) {
           const auto duration = parse_duration(text);
           if (!duration && text != "0" && text != "0s") {
             throw CLI::ValidationError(
                 "--retry-for", "\"" + text + "\" is no duration; write for example 10s, or 0");
           }
           where = duration.value_or(std::chrono::milliseconds{0});
         },
         "How long to repeat what failed for a passing reason; the default is 10s, 0 is never")
      ->type_name("DURATION");
}

void add_range(CLI::App& app, std::optional<RouteRange>& where, const char* text) {
  app.add_option_function<std::string>(
         "--range",
         [&where](const std::string& given) {
           const auto range = RouteRange::parse(given);
           if (!range) throw CLI::ValidationError("--range", range.status().text());
           where = *range;
         },
         text)
      ->type_name("RANGE");
}

std::string endpoint_fault(const Session& session, std::string_view word) {
  constexpr std::string_view kScheme = "://";
  const bool has_scheme = word.find(kScheme) != std::string_view::npos;
  // A pid or a name has a @.
  const bool has_port =
      word.find('@') == std::string_view::npos && word.find(':') != std::string_view::npos;
  if (!has_scheme && !has_port) return "";
  const std::string endpoint = (has_scheme ? "" : "tcp://") + std::string{word};
  return in_quotes(word) +
         " is an endpoint, and here stands the name of a node, such as foo@localhost; " +
         (session.owns_stdin ? "for an endpoint write --node " + endpoint
                             : "kvmesh --node " + endpoint + " shell begins a shell there");
}

void refuse_endpoints(CLI::App& command, const Session& session) {
  using command_line::Names;
  for (auto* option : command.get_options([](const CLI::Option* one) {
         const auto kind = command_line::word_kind(*one);
         return kind == Names::kNodes || kind == Names::kReceivers;
       })) {
    option->check(CLI::Validator(
        [&session](const std::string& word) { return endpoint_fault(session, word); }, ""));
  }
}

CLI::Option* add_argument_words(CLI::App& command) {
  constexpr int kWordsMax = 1 << 20;
  auto* option = command.add_option(
      "ARGS", [](const CLI::results_t&) { return true; },
      "Its arguments: JSON where it is JSON, else text; write '\"5\"' for the text 5");
  option->option_text("...")->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return option->expected(kWordsMax, CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false);
}

}  // namespace kvmesh::command
