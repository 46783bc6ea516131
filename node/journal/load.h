#pragma once

#include <memory>
#include <string>

#include <kvmesh/status.h>

#include "node/journal/loader.h"

namespace rocksdb {
class DB;
struct Options;
}  // namespace rocksdb

namespace kvmesh::journal {

/// The database in `folder`, which stays as it is.
Result<std::unique_ptr<rocksdb::DB>> open_to_read(const rocksdb::Options& options,
                                                  const std::string& folder);

/// Whether all tables are whole, needed or not. Before loading: where ranges were deleted, an
/// iterator of RocksDB 7.8 may pass over a damaged block in silence, and give what was before it
/// (its pull request 11786).
Status check_tables(rocksdb::DB& db);

/// Gives everything in `db` to `loader`, and counts it. Errors: RocksDB's, what is in no known
/// format or in no bucket, the loader's own; each says which bucket and key.
Status load_all(rocksdb::DB& db, Loader& loader, Recovered& recovered);

}  // namespace kvmesh::journal
