#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string_view>

namespace kvmesh::store {

// A key and its value in one allocation: sizes, then the key's bytes, then the value's. A pair of
// 16 bytes each takes 48 bytes, malloc's own included. What joins a value later (version, expiry)
// joins the sizes here.
// Guarded by the lock of the stripe that its bucket is in.
class Record {
 public:
  struct Free {
    void operator()(Record* record) const { std::free(record); }  // NOLINT: malloc'ed in make()
  };
  using Owner = std::unique_ptr<Record, Free>;

  // Aborts when memory runs out or a size is over 4 GiB: both were to be checked before.
  static Owner make(std::string_view key, std::string_view value) {
    constexpr auto kSizeMax = std::numeric_limits<std::uint32_t>::max();
    if (key.size() > kSizeMax || value.size() > kSizeMax) std::abort();
    void* memory =
        std::malloc(heap_bytes(key.size(), value.size()) - kMallocBytes);  // NOLINT: exact size
    if (memory == nullptr) std::abort();
    auto record = Owner(new (memory) Record(static_cast<std::uint32_t>(key.size())));
    copy(key, record->bytes());
    record->set_value(value);
    return record;
  }

  // What malloc takes for such a record: glibc adds 8 bytes and rounds up to 16, with at least 32.
  static constexpr std::size_t heap_bytes(std::size_t key_size, std::size_t value_size) {
    const auto exact = kMallocBytes + sizeof(Record) + key_size + value_size;
    return std::max<std::size_t>(32, (exact + 15) / 16 * 16);
  }
  std::size_t heap_bytes() const { return heap_bytes(key_size_, value_size_); }

  std::string_view key() const { return {bytes(), key_size_}; }
  std::string_view value() const { return {bytes() + key_size_, value_size_}; }

  // REQUIRES: heap_bytes(key().size(), value.size()) == heap_bytes() of when it was made.
  void set_value(std::string_view value) {
    copy(value, bytes() + key_size_);
    value_size_ = static_cast<std::uint32_t>(value.size());
  }

 private:
  static constexpr std::size_t kMallocBytes = 8;

  explicit Record(std::uint32_t key_size) : key_size_(key_size) {}
  static void copy(std::string_view from, char* to) {
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
  }
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }

  std::uint32_t key_size_;
  std::uint32_t value_size_ = 0;
};

inline std::string_view name_of(const Record& record) { return record.key(); }

}  // namespace kvmesh::store
