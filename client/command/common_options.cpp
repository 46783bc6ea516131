#include "client/command/common_options.h"

#include <string>

#include "client/command/duration_text.h"

namespace kvmesh::command {

void add_common_options(CLI::App& app, Session& session) {
  app.add_option("--node", session.options.endpoint, "Where the node listens for the mesh")
      ->envname("KVMESH_NODE")
      ->type_name("ENDPOINT")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--timeout",
         [&session](const std::string& text) {
           const auto timeout = parse_duration(text);
           if (!timeout) {
             throw CLI::ValidationError("--timeout", "\"" + text +
                                                         "\" is no duration between 1ms and 24h; "
                                                         "write for example 500ms or 5s");
           }
           session.options.timeout = *timeout;
         },
         "How long one request may take, for example 500ms or 5s (the default)")
      ->type_name("DURATION");
  app.add_flag("--json", session.options.json, "Print JSON, one document a line");
  app.set_version_flag("--version", "kvmesh " KVMESH_VERSION, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_help_all_flag("--help-all", "Print the help of all commands and exit");
}

}  // namespace kvmesh::command
