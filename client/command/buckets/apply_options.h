#pragma once

#include <kvmesh/buckets.h>
#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/command/base/session.h"

namespace kvmesh::command {

/// What commands that change one key may say beside the change.
struct ApplyOptions {
  std::optional<std::uint64_t> if_rev;  // 0: it is not there
  std::optional<std::chrono::milliseconds> ttl;
  std::optional<OnceId> once;

  bool any() const { return if_rev || ttl || once; }
};

// Each adds what it is named after. `options` must outlive the parser.
void add_if_rev(CLI::App& command, ApplyOptions& options);
void add_if_absent(CLI::App& command, ApplyOptions& options);
CLI::Option* add_ttl(CLI::App& command, std::optional<std::chrono::milliseconds>& ttl,
                     const char* text);
void add_once(CLI::App& command, ApplyOptions& options);

/// Makes a change of one key, at the node `on` unless that is empty. When it is made,
/// `done(applied)` prints, and gives the exit status; a conflict gives kExitConflict.
int apply_change(Session& session, const std::string& bucket, const std::string& on, Change change,
                 const ApplyOptions& options, const std::function<int(const Applied&)>& done);

/// Prints the revision, with --json {"ok","rev"}, and makes it the result.
int print_revision(Session& session, const Applied& applied);

/// "no key ...", and kExitMissingKey.
int fail_missing_key(const Session& session, std::string_view bucket, std::string_view key);

/// A bucket that is not there, with the command that makes it; other failures as they are.
Status with_create_hint(Status status, const std::string& bucket);

/// The help's footer of commands that may end with a conflict.
std::string exit_statuses_of_checks(std::string_view one = {});

}  // namespace kvmesh::command
