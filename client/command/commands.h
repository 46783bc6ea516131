#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "client/command/base/session.h"

/// The commands by subject. Each function adds its commands to the parser; the chosen one becomes
/// the session's action. `session` outlives the parser.
namespace kvmesh::command {

/// What the argument NODE of several commands means.
inline constexpr const char* kWhichNode =
    "A node that the connected one knows, as a peer or by a via; else that node itself";

/// --on NODE of the commands that read or remove.
inline constexpr const char* kOnNode =
    "Of what this node itself holds, wherever tables lead, instead of where the bucket belongs";

void add_bucket_commands(CLI::App& app, Session& session);   // create, drop, keys, count, buckets
void add_create_and_drop(CLI::App& app, Session& session);   // of those, the first two
void add_value_commands(CLI::App& app, Session& session);    // put, get, delete
void add_entry_commands(CLI::App& app, Session& session);    // read, scan, add, touch, watch
void add_route_commands(CLI::App& app, Session& session);    // route, trace
void add_node_commands(CLI::App& app, Session& session);     // info, nodes, ping
void add_reload_command(CLI::App& app, Session& session);    // reload
void add_task_commands(CLI::App& app, Session& session);     // call, spawn, send
void add_process_commands(CLI::App& app, Session& session);  // modules, tasks
void add_server_commands(CLI::App& app, Session& session);   // server
void add_shell_command(CLI::App& app, Session& session);     // shell
void add_import_command(CLI::App& app, Session& session);    // import
void add_export_command(CLI::App& app, Session& session);    // export
void add_backup_commands(CLI::App& app, Session& session);   // backup, restore
void add_keygen_command(CLI::App& app, Session& session);    // keygen
void add_audit_command(CLI::App& app, Session& session);     // audit
void add_bench_command(CLI::App& app, Session& session);     // bench, by kvmesh-load
void add_verify_command(CLI::App& app, Session& session);    // verify
void add_plan_command(CLI::App& app, Session& session);      // plan
void add_sim_command(CLI::App& app, Session& session);       // sim, by kvmesh-sim

/// Has the program of `command`, bench or sim, print how the last of its words can go on. Returns,
/// an exit status, only when it cannot be run.
int complete_handed_over(Session& session, const CLI::App& command, std::vector<std::string> words);

}  // namespace kvmesh::command
