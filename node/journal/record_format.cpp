#include "node/journal/record_format.h"

#include <cstring>
#include <string>

#include "node/journal/integers.h"

namespace kvmesh::journal {
namespace {

constexpr char kPlain = 1;
constexpr char kExpiring = 2;

}  // namespace

char* encode(const Record& record, char* to) {
  const bool expires = record.expires_ms != 0;
  *to++ = expires ? kExpiring : kPlain;
  to = put_u64(record.revision, to);
  if (expires) to = put_u64(record.expires_ms, to);
  if (!record.value.empty()) std::memcpy(to, record.value.data(), record.value.size());
  return to + record.value.size();
}

Result<Record> decode_record(std::string_view bytes) {
  if (bytes.empty()) return Status{StatusCode::kInternal, "its record is empty"};
  const char format = bytes.front();
  if (format != kPlain && format != kExpiring) {
    return Status{StatusCode::kInternal, "its record has the format " +
                                             std::to_string(static_cast<unsigned char>(format)) +
                                             ", and this program knows 1 and 2"};
  }
  const std::size_t head = format == kPlain ? 9 : 17;
  if (bytes.size() < head) {
    return Status{StatusCode::kInternal, "its record of " + std::to_string(bytes.size()) +
                                             " bytes is cut off; it has at least " +
                                             std::to_string(head)};
  }
  Record record;
  record.revision = get_u64(bytes.data() + 1);
  if (format == kExpiring) record.expires_ms = get_u64(bytes.data() + 9);
  if (format == kExpiring && record.expires_ms == 0) {
    return Status{StatusCode::kInternal, "its record says that it expires, but not when"};
  }
  record.value = bytes.substr(head);
  return record;
}

}  // namespace kvmesh::journal
