#include "node/store/key_order.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "common/name_hash.h"

namespace kvmesh::store {

void KeyOrder::build_some(const OwningSet<Record::Owner>& records) {
  // A full table has some thousand records, and each may wait for memory several times until its
  // place is found.
  constexpr ScanPosition kSlices = 16;
  const auto width = records.width_at(built_);
  const auto slice = width == kScanEnd ? width : std::max<ScanPosition>(width / kSlices, 1);
  const auto end = built_ + slice;
  const auto table_end = records.visit_from(built_, [&](const Record& record) {
    const auto position = position_of(name_hash(record.key()));
    if (position >= built_ && position < end) keys_.insert(Slot{&record});
  });
  built_ = std::min(end, table_end);
}

std::uint64_t KeyOrder::free_some() {
  constexpr std::size_t kTogether = 16384;
  if (keys_.size() <= kTogether) {
    keys_.clear();
    return std::exchange(bytes_left_, 0);
  }
  keys_.erase(keys_.begin(), std::next(keys_.begin(), kTogether));
  const auto freed = std::min<std::uint64_t>(bytes_left_, kTogether * kBytes);
  bytes_left_ -= freed;
  return freed;
}

}  // namespace kvmesh::store
