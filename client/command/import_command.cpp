// import: the options. client/command/importer.cpp does the work.
#include "client/command/import_command.h"

#include <map>
#include <memory>

#include "client/command/commands.h"
#include "client/command/duration_text.h"

namespace kvmesh::command {

void add_import_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("import", "Store the records of a file or of standard input");
  auto options = std::make_shared<ImportOptions>();
  command->add_option("FILE", options->file, "TSV or JSON lines; - (the default): standard input");
  command
      ->add_option_function<std::string>(
          "--format",
          [options](const std::string& name) {
            options->format = name == "tsv" ? Format::kTsv : Format::kJsonLines;
          },
          "tsv or jsonl; else by the file's name, else by its first line")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"tsv", "jsonl"}));
  command->add_flag("--create,!--no-create", options->create,
                    "Create buckets on first sight (the default); or do not");
  command
      ->add_option("--on", options->on,
                   "Store at this node itself, wherever tables lead, to give it a range later")
      ->type_name("NODE");
  command
      ->add_option_function<std::string>(
          "--retry-for",
          [options](const std::string& text) {
            const auto duration = parse_duration(text);
            if (!duration && text != "0" && text != "0s") {
              throw CLI::ValidationError(
                  "--retry-for", "\"" + text + "\" is no duration; write for example 10s, or 0");
            }
            options->retry_for = duration.value_or(std::chrono::milliseconds{0});
          },
          "How long to repeat what failed for a passing reason; the default is 10s, 0 is never")
      ->type_name("DURATION");
  command->callback([&session, options] {
    session.action = [&session, options] { return run_import(session, *options); };
  });
}

}  // namespace kvmesh::command
