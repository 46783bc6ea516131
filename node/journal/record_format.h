#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <kvmesh/status.h>

namespace kvmesh::journal {

/// What a bucket keeps under a key. The journal stores these fields and does not look at them.
struct Record {
  std::string_view value;        ///< any bytes
  std::uint64_t revision = 0;    ///< of the last change
  std::uint64_t expires_ms = 0;  ///< milliseconds since 1970 (UTC); 0: it never expires

  friend bool operator==(const Record&, const Record&) = default;
};

/// How a record stands on the disk, integers big-endian:
///
///     byte 0      the format: 1 = without expiry, 2 = with expiry
///     bytes 1-8   the revision
///     bytes 9-16  the expiry, format 2 only
///     the rest    the value
///
/// A new format takes a new number. A program that does not know a number must refuse the record:
/// it cannot know what it would lose. All functions are pure.
inline constexpr std::size_t kRecordHeadBytesMax = 17;

constexpr std::size_t encoded_bytes(const Record& record) {
  return (record.expires_ms == 0 ? 9 : 17) + record.value.size();
}

/// Writes encoded_bytes(record) bytes to `to`, and returns the end of them.
char* encode(const Record& record, char* to);

/// The record, whose value is a view into `bytes`. kInternal when `bytes` is no record of a known
/// format; the text says which format it claims to be, or that it is too short. The caller adds
/// the names of bucket and key.
Result<Record> decode_record(std::string_view bytes);

}  // namespace kvmesh::journal
