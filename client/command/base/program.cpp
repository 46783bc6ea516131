#include "client/command/base/program.h"

#include <cstdio>
#include <exception>
#include <string>

#include "client/command/base/exit_status.h"
#include "client/command/base/numbers.h"
#include "common/standard_descriptors.h"

namespace kvmesh::command {

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

void add_byte_range(CLI::App& app, std::optional<ByteRange>& where, const char* text) {
  app.add_option_function<std::string>(
         "--range",
         [&where](const std::string& given) {
           const auto range = ByteRange::parse(given);
           if (!range) throw CLI::ValidationError("--range", range.status().text());
           where = *range;
         },
         text)
      ->type_name("RANGE");
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
