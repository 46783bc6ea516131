#pragma once

#include <kvmesh/buckets.h>
#include <kvmesh/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a backup's files hold (config/BACKUP.md has the whole format). Pure functions.
namespace kvmesh::command {

struct BackupRecord {
  std::string key;
  std::string value;
  std::uint64_t rev = 0;                     // of the key's last change
  std::optional<std::int64_t> expires_ms{};  // milliseconds since 1970; empty: never

  friend bool operator==(const BackupRecord&, const BackupRecord&) = default;
};

/// A page of a bucket. All pages of a bucket show one instant; they follow each other from 0 on,
/// and their records are in the order of the keys. A bucket without keys has one page.
struct BackupBlock {
  static constexpr std::size_t kRecordsMax = 1000;
  /// Of keys and values, if it is more than one record.
  static constexpr std::size_t kBytesMax = std::size_t{1} << 20;

  std::string bucket;
  std::uint64_t rev = 0;   // of the bucket's last change then
  std::uint64_t page = 0;  // its number
  bool more = false;       // another one follows
  std::vector<BackupRecord> records;
  BucketOptions options{};  // the same on all pages

  friend bool operator==(const BackupBlock&, const BackupBlock&) = default;
};

/// A block as it stands in a file, its length in front.
std::string pack_block(const BackupBlock& block);

/// Bytes of the length in front of each block; length_of() reads it. No block is longer than
/// kBlockBytesMax.
inline constexpr std::size_t kBlockHeadBytes = 4;
inline constexpr std::size_t kBlockBytesMax = std::size_t{8} << 20;
std::uint32_t length_of(std::string_view head);

/// The block without its length; kInvalidArgument, with what is wrong, when it is none.
Result<BackupBlock> unpack_block(std::string_view bytes);

}  // namespace kvmesh::command
