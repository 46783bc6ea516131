#include "node/journal/layout.h"

#include <cstddef>
#include <cstring>

namespace kvmesh::journal {
namespace {

constexpr char kEntryFormat = 1;
constexpr char kRecordMark = 0;
constexpr char kNoteMark = 1;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kStagedHead = 9;
constexpr std::size_t kGroupBytes = 25;

Status unknown_format(std::string_view what, std::string_view bytes) {
  if (bytes.empty()) return {StatusCode::kInternal, std::string{what} + " is empty"};
  if (bytes.front() != kEntryFormat) {
    return {StatusCode::kInternal, std::string{what} + " has the format " +
                                       std::to_string(static_cast<unsigned char>(bytes.front())) +
                                       ", and this program knows 1"};
  }
  return {StatusCode::kInternal,
          std::string{what} + " has " + std::to_string(bytes.size()) + " bytes and is cut off"};
}

bool has_mark(Change::Kind kind) {
  return kind != Change::Kind::kBucket && kind != Change::Kind::kDrop;
}

std::size_t key_bytes(const Change& change) {
  return kIdBytes + (has_mark(change.kind) ? 1 + change.name.size() : 0);
}

std::size_t value_bytes(const Change& change) {
  switch (change.kind) {
    case Change::Kind::kBucket:
      return 5 + change.name.size() + change.record.value.size();
    case Change::Kind::kPut:
      return encoded_bytes(change.record);
    case Change::Kind::kNote:
      return 1 + change.record.value.size();
    case Change::Kind::kDrop:
    case Change::Kind::kErase:
    case Change::Kind::kForgetNote:
      break;
  }
  return 0;
}

char* put(std::string_view bytes, char* to) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

StagedOp::Kind op_of(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kDrop:
      return StagedOp::Kind::kDeleteBucket;
    case Change::Kind::kErase:
    case Change::Kind::kForgetNote:
      return StagedOp::Kind::kDelete;
    case Change::Kind::kBucket:
    case Change::Kind::kPut:
    case Change::Kind::kNote:
      break;
  }
  return StagedOp::Kind::kPut;
}

char* put_value(const Change& change, char* to) {
  switch (change.kind) {
    case Change::Kind::kBucket: {
      *to++ = kEntryFormat;
      const auto size = static_cast<std::uint32_t>(change.name.size());
      for (int shift = 24; shift >= 0; shift -= 8) *to++ = static_cast<char>(size >> shift);
      return put(change.record.value, put(change.name, to));
    }
    case Change::Kind::kPut:
      return encode(change.record, to);
    case Change::Kind::kNote:
      *to++ = kEntryFormat;
      return put(change.record.value, to);
    case Change::Kind::kDrop:
    case Change::Kind::kErase:
    case Change::Kind::kForgetNote:
      break;
  }
  return to;
}

}  // namespace

std::string_view group_key() { return {"\0\0\0\0\0\0\0\0", kIdBytes}; }

std::string bucket_key(BucketId bucket) {
  std::string key(kIdBytes, '\0');
  put_u64(bucket, key.data());
  return key;
}

std::string encode(const GroupRecord& group) {
  std::string bytes(kGroupBytes, kEntryFormat);
  put_u64(group.bucket, put_u64(group.revision, put_u64(group.number, bytes.data() + 1)));
  return bytes;
}

Result<GroupRecord> decode_group(std::string_view bytes) {
  if (bytes.size() != kGroupBytes || bytes.front() != kEntryFormat) {
    return unknown_format("the record of the last group", bytes);
  }
  return GroupRecord{get_u64(bytes.data() + 1), get_u64(bytes.data() + 9),
                     get_u64(bytes.data() + 17)};
}

std::optional<StoredKey> decode_key(std::string_view key) {
  if (key.size() < kIdBytes) return std::nullopt;
  StoredKey stored{StoredKey::Kind::kBucket, get_u64(key.data()), {}};
  if (key.size() == kIdBytes) {
    if (stored.bucket == 0) stored.kind = StoredKey::Kind::kGroup;
    return stored;
  }
  const char mark = key[kIdBytes];
  if (stored.bucket == 0 || (mark != kRecordMark && mark != kNoteMark)) return std::nullopt;
  stored.kind = mark == kRecordMark ? StoredKey::Kind::kRecord : StoredKey::Kind::kNote;
  stored.name = key.substr(kIdBytes + 1);
  return stored;
}

Result<StoredBucket> decode_bucket(std::string_view bytes) {
  if (bytes.size() < 5 || bytes.front() != kEntryFormat) return unknown_format("the bucket", bytes);
  std::size_t size = 0;
  for (const char byte : bytes.substr(1, 4)) size = size << 8 | static_cast<unsigned char>(byte);
  const auto rest = bytes.substr(5);
  if (rest.size() < size) return unknown_format("the bucket", bytes);
  return StoredBucket{rest.substr(0, size), rest.substr(size)};
}

Result<std::string_view> decode_note(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != kEntryFormat) return unknown_format("the note", bytes);
  return bytes.substr(1);
}

std::size_t encoded_bytes(const Change& change) {
  return kStagedHead + key_bytes(change) + value_bytes(change);
}

char* encode(const Change& change, char* to) {
  to = put_raw(static_cast<std::uint32_t>(key_bytes(change)), to);
  to = put_raw(static_cast<std::uint32_t>(value_bytes(change)), to);
  *to++ = static_cast<char>(op_of(change.kind));
  to = put_u64(change.bucket, to);
  if (has_mark(change.kind)) {
    const bool note =
        change.kind == Change::Kind::kNote || change.kind == Change::Kind::kForgetNote;
    *to++ = note ? kNoteMark : kRecordMark;
    to = put(change.name, to);
  }
  return put_value(change, to);
}

StagedOp next_op(std::string_view& bytes) {
  const std::size_t key = get_raw(bytes.data());
  const std::size_t value = get_raw(bytes.data() + 4);
  const StagedOp op{static_cast<StagedOp::Kind>(bytes[8]), bytes.substr(kStagedHead, key),
                    bytes.substr(kStagedHead + key, value)};
  bytes.remove_prefix(kStagedHead + key + value);
  return op;
}

}  // namespace kvmesh::journal
