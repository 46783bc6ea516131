#pragma once

#include <kvmesh/status.h>

#include "node/journal/loader.h"

namespace rocksdb {
class DB;
}

namespace kvmesh::journal {

/// Gives everything in `db` to `loader`, and counts it. Errors: RocksDB's, of any block that is
/// damaged, needed or not, before anything is given; what is in no known format or in no bucket,
/// the loader's own; each says which bucket and key.
Status load_all(rocksdb::DB& db, Loader& loader, Recovered& recovered);

}  // namespace kvmesh::journal
