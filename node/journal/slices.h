#pragma once

#include <string_view>

#include <rocksdb/slice.h>

namespace kvmesh::journal {

// RocksDB's views of bytes, and ours.
inline rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace kvmesh::journal
