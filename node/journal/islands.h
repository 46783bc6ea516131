#pragma once

#include <kvmesh/status.h>

namespace rocksdb {
class DB;
struct Options;
}  // namespace rocksdb

namespace kvmesh::journal {

/// Copies everything that can be read of a database some of whose blocks are damaged. Each entry
/// has its last value: keys are left out where the damaged block of a table may have had a later
/// one. `options`: with which `from` was opened. Errors are those of writing.
Status copy_islands(rocksdb::DB& from, const rocksdb::Options& options, rocksdb::DB& to);

}  // namespace kvmesh::journal
