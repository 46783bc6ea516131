#include "node/journal/memtable.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <string_view>
#include <vector>

#include "node/journal/integers.h"

namespace kvmesh::journal {
namespace {

using rocksdb::MemTableRep;
using Entries = std::vector<const char*>;

constexpr std::size_t kTrailer = 8;  // of RocksDB's internal keys: sequence number and type

// An entry begins with the size of its internal key (a varint), the key, and the trailer.
std::string_view internal_key(const char* entry) {
  std::uint32_t size = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*entry++);
    size |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return {entry, size};
  }
}

// What decides between two entries, nearly always without a look at them.
struct Sortable {
  // The first 31 bytes of the key, then zeros; the last byte: how many there are, or kMore.
  std::array<std::uint64_t, 4> words{};
  std::uint64_t trailer = 0;  // a later write has a higher one, and comes first
  const char* entry;

  static constexpr std::size_t kBytes = 31;
  static constexpr unsigned char kMore = 255;

  explicit Sortable(const char* from) : entry(from) {
    const auto key = internal_key(from);
    const auto size = key.size() - kTrailer;
    std::array<char, 32> bytes{};
    std::memcpy(bytes.data(), key.data(), std::min(size, kBytes));
    bytes[kBytes] = static_cast<char>(size > kBytes ? kMore : size);
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = get_u64(bytes.data() + 8 * i);
    for (std::size_t i = kTrailer; i > 0; --i) {  // it is little-endian
      trailer = trailer << 8 | static_cast<unsigned char>(key[size + i - 1]);
    }
  }

  friend bool operator<(const Sortable& a, const Sortable& b) {
    for (std::size_t i = 0; i < a.words.size(); ++i) {
      if (a.words[i] != b.words[i]) return a.words[i] < b.words[i];
    }
    if ((a.words.back() & 0xff) == kMore) {
      const auto user_key = [](const Sortable& one) {
        auto key = internal_key(one.entry);
        key.remove_suffix(kTrailer);
        return key;
      };
      // std::string_view compares bytes as unsigned, as RocksDB does.
      const auto order = user_key(a).compare(user_key(b));
      if (order != 0) return order < 0;
    }
    return a.trailer > b.trailer;
  }
};

void sort(Entries& entries) {
  std::vector<Sortable> sortable;
  sortable.reserve(entries.size());
  for (const auto* entry : entries) sortable.emplace_back(entry);
  std::sort(sortable.begin(), sortable.end());
  std::transform(sortable.begin(), sortable.end(), entries.begin(),
                 [](const auto& one) { return one.entry; });
}

class SortedEntries final : public MemTableRep::Iterator {
 public:
  SortedEntries(std::shared_ptr<const Entries> entries, const MemTableRep::KeyComparator& compare)
      : entries_(std::move(entries)), compare_(compare), at_(entries_->size()) {}

  bool Valid() const override { return at_ < entries_->size(); }
  const char* key() const override { return (*entries_)[at_]; }
  void Next() override { ++at_; }
  void Prev() override { at_ = at_ == 0 ? entries_->size() : at_ - 1; }
  void Seek(const rocksdb::Slice& key, const char* /*memtable_key*/) override {
    const auto it = std::lower_bound(
        entries_->begin(), entries_->end(), key,
        [this](const char* entry, const auto& wanted) { return compare_(entry, wanted) < 0; });
    at_ = static_cast<std::size_t>(it - entries_->begin());
  }
  void SeekForPrev(const rocksdb::Slice& key, const char* memtable_key) override {
    Seek(key, memtable_key);
    if (!Valid()) {
      SeekToLast();
    } else if (compare_((*entries_)[at_], key) > 0) {
      Prev();
    }
  }
  void SeekToFirst() override { at_ = 0; }
  void SeekToLast() override { at_ = entries_->empty() ? 0 : entries_->size() - 1; }

 private:
  std::shared_ptr<const Entries> entries_;
  const MemTableRep::KeyComparator& compare_;
  std::size_t at_;
};

class Memtable final : public MemTableRep {
 public:
  Memtable(const KeyComparator& compare, rocksdb::Allocator* allocator)
      : MemTableRep(allocator), compare_(compare) {}

  void Insert(rocksdb::KeyHandle handle) override {
    const std::lock_guard lock{mutex_};
    entries_->push_back(static_cast<const char*>(handle));
    capacity_.store(entries_->capacity(), std::memory_order_relaxed);
  }
  bool Contains(const char* key) const override {
    const std::lock_guard lock{mutex_};
    return std::any_of(entries_->begin(), entries_->end(),
                       [&](const char* entry) { return compare_(entry, key) == 0; });
  }
  void MarkReadOnly() override {
    const std::lock_guard lock{mutex_};
    read_only_ = true;
  }
  size_t ApproximateMemoryUsage() override {
    return capacity_.load(std::memory_order_relaxed) * sizeof(const char*);
  }

  Iterator* GetIterator(rocksdb::Arena* arena) override {
    auto entries = sorted();
    if (arena == nullptr) return new SortedEntries(std::move(entries), compare_);
    // RocksDB destroys the iterator and leaves its memory to the arena, a class that it does not
    // show. So the memory is ours, for as long as the memtable lives: a flush takes one or two.
    const std::lock_guard lock{mutex_};
    return new (places_.emplace_back().bytes) SortedEntries(std::move(entries), compare_);
  }

 private:
  struct Place {
    alignas(
        SortedEntries) std::byte bytes[sizeof(SortedEntries)];  // NOLINT(modernize-avoid-c-arrays)
  };

  std::shared_ptr<const Entries> sorted() {
    const std::lock_guard lock{mutex_};
    if (!read_only_) {
      auto copy = std::make_shared<Entries>(*entries_);
      sort(*copy);
      return copy;
    }
    if (!is_sorted_) sort(*entries_);
    is_sorted_ = true;
    return entries_;
  }

  const KeyComparator& compare_;
  std::atomic<std::size_t> capacity_{0};
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<Entries> entries_ = std::make_shared<Entries>();
  bool read_only_ = false;
  bool is_sorted_ = false;
  std::deque<Place> places_;
};

class Factory final : public rocksdb::MemTableRepFactory {
 public:
  const char* Name() const override { return "kvmesh.memtable"; }
  using MemTableRepFactory::CreateMemTableRep;
  MemTableRep* CreateMemTableRep(const MemTableRep::KeyComparator& compare,
                                 rocksdb::Allocator* allocator, const rocksdb::SliceTransform*,
                                 rocksdb::Logger*) override {
    return new Memtable(compare, allocator);
  }
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> memtable_factory() {
  return std::make_shared<Factory>();
}

}  // namespace kvmesh::journal
