#pragma once

#include <CLI/CLI.hpp>

#include "client/command/session.h"

namespace kvmesh::command {

/// Adds --node, --timeout and --json, which fill in `session.options`; --help, --help-all and
/// --version. `session` must outlive the parser.
void add_common_options(CLI::App& app, Session& session);

}  // namespace kvmesh::command
