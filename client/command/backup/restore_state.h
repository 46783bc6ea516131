#pragma once

#include <kvmesh/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/backup/backup_reader.h"
#include "client/command/verify/live_mesh.h"

namespace kvmesh::command {

/// How far a restore has come: restore.json in the backup's folder, as long as it is not done. A
/// plain value.
struct RestoreState {
  /// A node of the mesh that is restored into.
  struct Node {
    std::string name;
    std::uint64_t incarnation = 0;
    bool keeps = false;  // what it stores outlives it
    friend bool operator==(const Node&, const Node&) = default;
  };
  std::int64_t backup_begun_ms = 0;  // by which its backup is known
  std::string mode;                  // "if-absent", "if-newer", "replace"
  BackupPlace place;                 // all before it is stored
  std::uint64_t records = 0;
  std::uint64_t timeout_ms = 0;  // of its requests: for so long one may yet be executed
  std::vector<Node> nodes;
  std::vector<std::string> failed;  // buckets that were given up
  friend bool operator==(const RestoreState&, const RestoreState&) = default;
};

inline constexpr std::string_view kRestoreStateName = "restore.json";

// Pure functions.

std::string to_text(const RestoreState& state);
/// kInvalidArgument, with what is wrong, when it is none.
Result<RestoreState> parse_restore_state(std::string_view text);

/// Nodes that store buckets, as they are now, in the order of their names.
std::vector<RestoreState::Node> storing_nodes(const LiveMesh& mesh);
/// What is to be said of those of `before` that have lost what they stored then, or may have, as
/// they cannot be asked: sentences.
std::vector<std::string> losses_since(const std::vector<RestoreState::Node>& before,
                                      const std::vector<RestoreState::Node>& now);
/// Whether both are of one mesh.
bool have_same_names(const std::vector<RestoreState::Node>& one,
                     const std::vector<RestoreState::Node>& other);

}  // namespace kvmesh::command
