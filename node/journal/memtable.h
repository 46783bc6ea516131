#pragma once

#include <memory>

#include <rocksdb/memtablerep.h>

namespace kvmesh::journal {

/// RocksDB's memtables as the journal wants them: appended to in constant time, sorted once, when
/// they are flushed. So is RocksDB's own VectorRep, whose sort takes most of the processor time
/// of all that is written: it goes through three virtual calls for each comparison. This one has
/// the first 31 bytes of each key at hand.
///
/// REQUIRES: keys are compared as bytes, which is the default. Reading one that is written to
/// copies and sorts it; RocksDB would get single keys by iterators that it never deletes, so none
/// is got.
std::shared_ptr<rocksdb::MemTableRepFactory> memtable_factory();

}  // namespace kvmesh::journal
