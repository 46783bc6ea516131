#pragma once

#include <string>

#include <kvmesh/status.h>

#include "node/journal/database.h"

namespace kvmesh::journal {

/// Whether RocksDB gives all that the folder has, and each of its tables is whole: reads
/// everything, and changes nothing. kInternal: something is damaged or missing, and what.
Status check_database(const Database::Place& place);

/// The damaged ones of its tables, and whose keys they have: `000012.sst (6444 bytes, of the
/// buckets "apples" to "pears")`. Reads all of them; empty: none, or what tables there are is
/// damaged.
std::string damaged_tables(const Database::Place& place);

}  // namespace kvmesh::journal
