#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "node/journal/change.h"
#include "node/journal/integers.h"

namespace kvmesh::journal {

/// What stands under which key of RocksDB. One column family, sorted by bucket, so that one
/// iterator loads bucket after bucket and one DeleteRange drops one:
///
///     00000000 00000000                 the last group: format 1, number, revision, bucket (u64s)
///     BUCKET (u64 > 0, big-endian)      the bucket: format 1, size of its name (u32), name, meta
///     BUCKET 00 KEY                     a record (record_format.h)
///     BUCKET 01 NAME                    a note: format 1, content
///
/// All of it is pure.

/// What each group writes beside its changes. Numbers of groups have no gap.
struct GroupRecord {
  std::uint64_t number = 0;    // of the group; 0: none yet
  std::uint64_t revision = 0;  // the highest that was ever appended
  BucketId bucket = 0;         // the same of buckets
};

std::string_view group_key();
/// That of a bucket; all that it has lies from there to the key of the next number.
std::string bucket_key(BucketId bucket);
std::string encode(const GroupRecord& group);
Result<GroupRecord> decode_group(std::string_view bytes);

/// What a key of RocksDB is about.
struct StoredKey {
  enum class Kind : std::uint8_t { kGroup, kBucket, kRecord, kNote };
  Kind kind = Kind::kGroup;
  BucketId bucket = 0;
  std::string_view name;  // of a record or note
};
/// None: no key that this program writes.
std::optional<StoredKey> decode_key(std::string_view key);

struct StoredBucket {
  std::string_view name;
  std::string_view meta;
};
Result<StoredBucket> decode_bucket(std::string_view bytes);
Result<std::string_view> decode_note(std::string_view bytes);

/// A change as it is staged: sizes of key and value (u32, the machine's order), one byte of what to
/// do, RocksDB's key, its value.
struct StagedOp {
  enum class Kind : char { kPut, kDelete, kDeleteBucket };
  Kind kind = Kind::kPut;
  std::string_view key;
  std::string_view value;
};
/// How many bytes it takes; at most staged_bytes() of its sizes.
std::size_t encoded_bytes(const Change& change);
/// REQUIRES: encoded_bytes(change) bytes of room. Returns the end.
char* encode(const Change& change, char* to);
/// Takes the first one off `bytes`. REQUIRES: encode() wrote them.
StagedOp next_op(std::string_view& bytes);

}  // namespace kvmesh::journal
