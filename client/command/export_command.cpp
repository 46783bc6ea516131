// export: the options. client/command/exporter.cpp does the work.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/command/commands.h"
#include "client/command/exit_status.h"
#include "client/command/exporter.h"
#include "client/command/range_option.h"

namespace kvmesh::command {
namespace {

struct ExportOptions {
  std::vector<std::string> buckets;
  std::string node;
  std::optional<ByteRange> range;
  std::string format;
};

int run_export(Session& session, const ExportOptions& options) {
  if (options.range && !options.buckets.empty()) {
    session.complain("name buckets or --range, not both");
    return kExitUsage;
  }
  const auto client = session.client();
  if (!client) return session.fail(client.status());
  if (Status up = (*client)->wait_connected(session.timeout()); !up.ok()) return session.fail(up);
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
  auto options = std::make_shared<ExportOptions>();
  command->add_option("BUCKET", options->buckets, "These buckets; else all of the mesh");
  command->add_option("--on", options->node, "Of what this node itself holds, wherever tables lead")
      ->type_name("NODE");
  add_byte_range(*command, options->range, "Only buckets that begin with these bytes: t..z");
  command->add_option("--format", options->format, "tsv (the default) or jsonl")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"tsv", "jsonl"}));
  command->callback([&session, options] {
    session.action = [&session, options] { return run_export(session, *options); };
  });
}

}  // namespace kvmesh::command
