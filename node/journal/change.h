#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "node/journal/record_format.h"

namespace kvmesh::journal {

/// The number of a bucket, unlike its name never used again: Journal::new_bucket() gives them.
using BucketId = std::uint64_t;

/// Appends are numbered from 1 on, without gaps, in the order in which they were made. Numbers
/// begin anew with each Journal.
using Sequence = std::uint64_t;

/// One change of what is on the disk. Views live until Journal::append() returns. The journal does
/// not check that the bucket exists; changes of one bucket must come in their order.
struct Change {
  enum class Kind : std::uint8_t {
    kBucket,      ///< the bucket exists, with this name and these notes of the engine
    kDrop,        ///< the bucket is gone, with all its records and notes
    kPut,         ///< the record stands under the key
    kErase,       ///< there is no record under the key
    kNote,        ///< something that the engine keeps with the bucket beside its keys
    kForgetNote,  ///< there is no such note
  };
  Kind kind = Kind::kBucket;
  BucketId bucket = 0;
  std::string_view name;  // of the bucket, the key or the note; at most 64 KiB
  Record record;          // of kPut; of kBucket and kNote `value` alone: meta, content

  /// Makes the bucket, or changes its `meta` (kind, last revision ...: any bytes).
  static Change of_bucket(BucketId bucket, std::string_view name, std::string_view meta) {
    return {Kind::kBucket, bucket, name, {meta}};
  }
  static Change drop(BucketId bucket) { return {Kind::kDrop, bucket, {}, {}}; }
  static Change put(BucketId bucket, std::string_view key, const Record& record) {
    return {Kind::kPut, bucket, key, record};
  }
  static Change erase(BucketId bucket, std::string_view key) {
    return {Kind::kErase, bucket, key, {}};
  }
  static Change note(BucketId bucket, std::string_view name, std::string_view content) {
    return {Kind::kNote, bucket, name, {content}};
  }
  static Change forget_note(BucketId bucket, std::string_view name) {
    return {Kind::kForgetNote, bucket, name, {}};
  }
};

/// What a change takes of the queue, at most: for Journal::reserve(), with the sizes of name and
/// value that are known before the change is.
constexpr std::size_t staged_bytes(std::size_t name_bytes, std::size_t value_bytes) {
  return 48 + name_bytes + value_bytes;
}

}  // namespace kvmesh::journal
