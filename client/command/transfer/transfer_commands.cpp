// import, export.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/commands.h"
#include "client/command/transfer/exporter.h"
#include "client/command/transfer/importer.h"

namespace kvmesh::command {

void add_import_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("import", "Store the records of a file or of standard input");
  command->footer(exit_statuses({}, "not all records were stored"));
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
  add_retry_for(*command, options->retry_for);
  command->callback([&session, options] {
    session.action = [&session, options] {
      if (options->file == "-" && !session.may_read_stdin()) return kExitUsage;
      return run_import(session, *options);
    };
  });
}

namespace {

struct ExportOptions {
  std::vector<std::string> buckets;
  std::string node;
  std::optional<RouteRange> range;
  std::string format;
};

int run_export(Session& session, const ExportOptions& options) {
  if (options.range && !options.buckets.empty()) {
    session.complain("name buckets or --range, not both");
    return kExitUsage;
  }
  const auto client = session.connected_client();
  if (!client) return session.fail(client.status());
  const bool json = options.format == "jsonl" || (options.format.empty() && session.json());
  Exporter exporter(session, **client, json ? Format::kJsonLines : Format::kTsv);
  if (!options.node.empty()) exporter.read_at(options.node);
  if (options.range) exporter.list_only(names_in(*options.range));
  if (!options.buckets.empty()) {
    exporter.export_buckets(options.buckets);
  } else if (!options.node.empty()) {
    exporter.export_node(options.node);
  } else {
    exporter.export_mesh();
  }
  return exporter.finish();
}

}  // namespace

void add_export_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("export", "Print all records, as import reads them");
  command->footer(exit_statuses({}, "not all records were printed"));
  auto options = std::make_shared<ExportOptions>();
  command->add_option("BUCKET", options->buckets, "These buckets; else all of the mesh");
  command->add_option("--on", options->node, "Of what this node itself holds, wherever tables lead")
      ->type_name("NODE");
  add_range(*command, options->range, "Only buckets of this range: t..z, hash:0x00..0x7f");
  command->add_option("--format", options->format, "tsv (the default) or jsonl")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"tsv", "jsonl"}));
  command->callback([&session, options] {
    session.action = [&session, options] { return run_export(session, *options); };
  });
}

}  // namespace kvmesh::command
