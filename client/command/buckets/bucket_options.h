#pragma once

#include <kvmesh/buckets.h>
#include <CLI/CLI.hpp>

#include "client/command/base/session.h"

namespace kvmesh::command {

/// Adds --ttl and --history. `options` must outlive the parser.
void add_bucket_options(CLI::App& command, BucketOptions& options);

/// Adds the command `options`.
void add_options_command(CLI::App& app, Session& session);

}  // namespace kvmesh::command
