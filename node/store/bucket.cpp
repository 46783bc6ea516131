#include "node/store/bucket.h"

#include <utility>

namespace kvmesh::store {

Bucket::~Bucket() {
  const auto bytes = record_bytes_ + records_.bytes() + bytes_empty(name_);
  records_ = {};
  memory_.release(bytes);  // only now is it really free
}

std::uint64_t Bucket::bytes_empty(std::string_view name) {
  constexpr std::size_t kMallocBytes = 16;  // malloc's own and its rounding
  const auto inside = std::string().capacity();
  return sizeof(Bucket) + kMallocBytes +
         (name.size() > inside ? name.size() + 1 + kMallocBytes : 0);
}

const Record* Bucket::find(const HashedName& key) const {
  const auto* record = records_.find(key);
  return record == nullptr ? nullptr : record->get();
}

Status Bucket::put(const HashedName& key, std::string_view value, Record::Owner& replaced) {
  if (auto* record = records_.find(key)) return replace(*record, key, value, replaced);
  const auto bytes = Record::heap_bytes(key.name.size(), value.size());
  auto status = records_.insert(memory_, key, bytes, [&] { return Record::make(key.name, value); });
  if (status.ok()) record_bytes_ += bytes;
  return status;
}

Status Bucket::replace(Record::Owner& record, const HashedName& key, std::string_view value,
                       Record::Owner& replaced) {
  const auto before = record->heap_bytes();
  const auto after = Record::heap_bytes(key.name.size(), value.size());
  if (after == before) {
    record->set_value(value);
    return {};
  }
  if (after > before) {
    if (auto status = memory_.reserve(after - before); !status.ok()) return status;
  }
  replaced = std::exchange(record, Record::make(key.name, value));
  if (after < before) memory_.release(before - after);
  record_bytes_ = record_bytes_ - before + after;
  return {};
}

Record::Owner Bucket::take(const HashedName& key) {
  auto record = records_.take(memory_, key);
  if (record) {
    record_bytes_ -= record->heap_bytes();
    memory_.release(record->heap_bytes());
  }
  return record;
}

bool Bucket::drain_some(std::vector<Record::Owner>& records) {
  record_bytes_ = 0;
  return records_.drain_some(memory_,
                             [&](Record::Owner record) { records.push_back(std::move(record)); });
}

}  // namespace kvmesh::store
