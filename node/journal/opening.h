#pragma once

#include <memory>
#include <string>

#include <kvmesh/status.h>

#include "node/journal/database.h"
#include "node/journal/failure.h"
#include "node/journal/journal.h"
#include "node/journal/loader.h"
#include "node/journal/marker.h"
#include "node/journal/state_dir.h"

namespace kvmesh::journal {

/// What a journal begins with.
struct Opened {
  std::unique_ptr<StateDir> dir;
  std::shared_ptr<Failure> failure;  // which RocksDB's threads tell
  std::unique_ptr<Database> database;
  std::unique_ptr<Marker> marker;
  Recovered recovered;
};

/// All of Journal::open() but the threads.
Result<Opened> open_state_dir(const Options& options, Loader& loader);

}  // namespace kvmesh::journal
