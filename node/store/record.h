#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include "node/store/revision.h"

namespace kvmesh::store {

// What a record knows of its last change.
struct Life {
  Revision rev = 0;
  Moment expires = kNever;  // from then on it is not there
};

// A key and its value in one allocation: sizes and revision, the moment when it expires if there is
// one, the key's bytes, then the value's. A pair of 16 bytes each takes 64 bytes, malloc's own
// included, and one that expires as many.
// Guarded by the lock of the stripe that its bucket is in.
class Record {
 public:
  struct Free {
    void operator()(Record* record) const { std::free(record); }  // NOLINT: malloc'ed in make()
  };
  using Owner = std::unique_ptr<Record, Free>;

  // Aborts when memory runs out or a size is over 2 GiB: both were to be checked before.
  static Owner make(std::string_view key, std::string_view value, Life life) {
    constexpr std::size_t kSizeMax = kExpiresBit - 1;
    if (key.size() > kSizeMax || value.size() > kSizeMax) std::abort();
    const bool expires = life.expires != kNever;
    void* memory = std::malloc(heap_bytes(key.size(), value.size(), expires) -
                               kMallocBytes);  // NOLINT: exact size
    if (memory == nullptr) std::abort();
    auto record = Owner(new (memory) Record(static_cast<std::uint32_t>(key.size()), expires));
    copy(key, record->bytes());
    record->set_value(value, life);
    return record;
  }

  // What malloc takes for such a record: glibc adds 8 bytes and rounds up to 16, with at least 32.
  static constexpr std::size_t heap_bytes(std::size_t key_size, std::size_t value_size,
                                          bool expires) {
    const auto exact =
        kMallocBytes + sizeof(Record) + (expires ? sizeof(Moment) : 0) + key_size + value_size;
    return std::max<std::size_t>(32, (exact + 15) / 16 * 16);
  }
  // The same, and what it takes to know when it expires (about, of a tree's node).
  static constexpr std::size_t cost(std::size_t key_size, std::size_t value_size, bool expires) {
    constexpr std::size_t kExpiryBytes = 24;
    return heap_bytes(key_size, value_size, expires) + (expires ? kExpiryBytes : 0);
  }
  std::size_t cost() const { return cost(key_size(), value_size_, can_expire()); }

  std::string_view key() const { return {bytes(), key_size()}; }
  std::string_view value() const { return {bytes() + key_size(), value_size_}; }
  Revision rev() const { return rev_; }
  Moment expires() const {
    if (!can_expire()) return kNever;
    Moment expires = 0;
    std::memcpy(&expires, after_this(), sizeof(expires));
    return expires;
  }
  bool has_expired(Moment now) const { return can_expire() && expires() <= now; }

  // Whether set_value() can put such a value here.
  bool has_room_for(std::size_t value_size, Moment expires) const {
    const bool can = expires != kNever;
    return can == can_expire() && cost(key_size(), value_size, can) == cost();
  }
  // REQUIRES: has_room_for(value.size(), life.expires).
  void set_value(std::string_view value, Life life) {
    copy(value, bytes() + key_size());
    value_size_ = static_cast<std::uint32_t>(value.size());
    set_life(life);
  }
  // REQUIRES: has_room_for(value().size(), life.expires).
  void set_life(Life life) {
    rev_ = life.rev;
    if (can_expire()) std::memcpy(after_this(), &life.expires, sizeof(life.expires));
  }

 private:
  static constexpr std::size_t kMallocBytes = 8;
  static constexpr std::uint32_t kExpiresBit = std::uint32_t{1} << 31;

  Record(std::uint32_t key_size, bool expires)
      : key_size_and_bit_(key_size | (expires ? kExpiresBit : 0)) {}
  static void copy(std::string_view from, char* to) {
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
  }
  bool can_expire() const { return (key_size_and_bit_ & kExpiresBit) != 0; }
  std::uint32_t key_size() const { return key_size_and_bit_ & ~kExpiresBit; }
  std::size_t offset() const { return can_expire() ? sizeof(Moment) : 0; }
  char* after_this() { return reinterpret_cast<char*>(this + 1); }
  const char* after_this() const { return reinterpret_cast<const char*>(this + 1); }
  char* bytes() { return after_this() + offset(); }
  const char* bytes() const { return after_this() + offset(); }

  std::uint32_t key_size_and_bit_;
  std::uint32_t value_size_ = 0;
  Revision rev_ = 0;
};

inline std::string_view name_of(const Record& record) { return record.key(); }

}  // namespace kvmesh::store
