#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "client/command/base/session.h"
#include "client/command/transfer/record.h"

namespace kvmesh::command {

struct ImportOptions {
  std::string file = "-";
  std::optional<Format> format;  // empty: by the file's name, else its first line
  std::chrono::milliseconds retry_for{10'000};
  bool create = true;
  std::string
      on;  // a node that is to hold the records, wherever tables lead; empty: where they lead
};

/// Runs an import to its end; gives the exit status.
int run_import(Session& session, const ImportOptions& options);

}  // namespace kvmesh::command
