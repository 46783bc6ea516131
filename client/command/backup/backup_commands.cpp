// backup, restore.
#include <memory>
#include <string>
#include <vector>

#include "client/command/backup/backup.h"
#include "client/command/base/program.h"
#include "client/command/commands.h"

namespace kvmesh::command {
namespace {

void add_backup(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "backup", "Write what the mesh stores into a new folder, each bucket as of one instant");
  command->footer(exit_statuses({}, "not all is in the backup, or it is not whole"));
  auto options = std::make_shared<BackupOptions>();
  auto checks = std::make_shared<bool>(false);
  command->add_option("DIR", options->folder, "The folder; it is made")->required();
  auto* of = command->add_option("--of", options->of, "Only buckets that belong to this node")
                 ->type_name("NODE");
  add_range(*command, options->range, "Only buckets of this range: t..z, hash:0x00..0x7f");
  command->add_flag("--check", *checks, "Find out whether the backup in DIR is whole; asks no node")
      ->excludes(of)
      ->excludes(command->get_option("--range"));
  command->callback([&session, options, checks] {
    session.action = [&session, options, checks] {
      return *checks ? check_backup(session, options->folder) : run_backup(session, *options);
    };
  });
}

void add_restore(CLI::App& app, Session& session) {
  using Mode = RestoreOptions::Mode;
  auto* command = app.add_subcommand(
      "restore", "Store a backup in the mesh, with its revisions and times to live");
  command->footer(exit_statuses({}, "not all was restored"));
  auto options = std::make_shared<RestoreOptions>();
  command->add_option("DIR", options->folder, "The folder of the backup")->required();
  std::vector<CLI::Option*> modes;
  const auto add_mode = [&](const char* name, Mode mode, const char* text) {
    auto* added = command->add_flag_callback(
        name, [options, mode] { options->mode = mode; }, text);
    for (auto* other : modes) added->excludes(other);
    modes.push_back(added);
  };
  add_mode("--if-absent", Mode::kIfAbsent, "Keys that are there stay as they are (the default)");
  add_mode("--if-newer", Mode::kIfNewer, "They stay unless their revision is smaller");
  add_mode("--replace", Mode::kReplace,
           "Each bucket of the backup is dropped before it is restored");
  command->add_flag("--resume", options->resumes,
                    "Go on with the restore of this backup that was broken off");
  add_retry_for(*command, options->retry_for);
  command->callback([&session, options] {
    session.action = [&session, options] { return run_restore(session, *options); };
  });
}

}  // namespace

void add_backup_commands(CLI::App& app, Session& session) {
  add_backup(app, session);
  add_restore(app, session);
}

}  // namespace kvmesh::command
