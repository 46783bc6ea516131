#pragma once

#include <memory>

#include <rocksdb/options.h>

#include "node/journal/database.h"

namespace kvmesh::journal {

/// RocksDB's options; the reasons stand in the definition and in ARCHITECTURE.md.
rocksdb::Options database_options(const Database::Place& place, rocksdb::Env* env);

}  // namespace kvmesh::journal
