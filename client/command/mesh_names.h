#pragma once

#include <string>
#include <vector>

#include "client/command/base/session.h"
#include "common/command_line/completion.h"

namespace kvmesh::command {

/// Names for completion, asked from the mesh over the session's connection. The user waits for
/// them, so each question may take 300 ms at most, and a walk through the mesh goes only where
/// nodes have connections. One thread: the session's.
class MeshNames final : public command_line::NameSource {
 public:
  /// `session` must outlive it.
  explicit MeshNames(Session& session) : session_(session) {}

  std::vector<std::string> names(const command_line::Wanted& wanted) override;

 private:
  Session& session_;
};

}  // namespace kvmesh::command
