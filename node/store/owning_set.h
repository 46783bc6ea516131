#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "node/store/memory_bound.h"

namespace kvmesh::store {

// The hash of a name. Seeded anew in each process, so that nobody can prepare names that collide.
inline std::size_t hash_of(std::string_view name) {
  return absl::HashOf(absl::string_view(name.data(), name.size()));
}

// Things found by their name, `name_of(thing)`: a hash table of owning pointers that accounts for
// its own memory.
// Invariant: bytes() is what this set has taken from the MemoryBound, and never less than its table
// takes.
// Guarded by its owner's lock.
template <typename Owner>
class OwningSet {
 public:
  std::size_t size() const { return table_.size(); }
  std::uint64_t bytes() const { return table_bytes(table_.size()); }

  // The owner of the thing with this name, or null. Another thing of the same name may be put
  // there; any change of the set ends the pointer's life.
  // REQUIRES: hash == hash_of(name), here and below.
  Owner* find(std::string_view name, std::size_t hash) const {
    const auto slot = table_.find(name, hash);
    return slot == table_.end() ? nullptr : &slot->owner;
  }

  // Asks the processor to fetch the name's place in the table.
  void prefetch_place(std::string_view name) const { table_.prefetch(name); }
  // Asks it to fetch the first thing that may have this hash, as the table's few bits of it tell;
  // reads the place, but not the thing. Small things lie on two lines at most.
  void prefetch_thing(std::size_t hash) const {
    const auto slot = table_.find(Candidate{}, hash);
    if (slot == table_.end()) return;
    constexpr std::size_t kLine = 64;
    const auto* first = reinterpret_cast<const char*>(slot->owner.get());
    __builtin_prefetch(first);
    __builtin_prefetch(first + kLine - 1);
  }

  // Adds what `make()` returns, after `thing_bytes` and the table's growth were reserved; kFull
  // when they could not.
  // REQUIRES: nothing of that name is there.
  template <typename Make>
  Status insert(MemoryBound& memory, std::uint64_t thing_bytes, Make make) {
    const auto before = bytes();
    const auto expected = table_bytes(table_.size() + 1);
    if (auto status = memory.reserve(thing_bytes + expected - before); !status.ok()) return status;
    table_.insert(Slot{make()});
    // A small table may have doubled early, which is below 300 bytes: see table_bytes().
    if (const auto now = bytes(); now > expected) memory.charge(now - expected);
    return {};
  }  // NOLINT(clang-analyzer-*): it cannot see that the table owns the thing now

  // Hands out the thing with this name, or null; releases only what the table shrinks by.
  Owner take(MemoryBound& memory, std::string_view name, std::size_t hash) {
    const auto slot = table_.find(name, hash);
    if (slot == table_.end()) return nullptr;
    const auto before = bytes();
    auto owner = std::move(slot->owner);
    table_.erase(slot);
    // A quarter of the fullest, so that a set whose size swings does not rehash all the time.
    if (table_.empty() || (table_.capacity() > 31 && table_.size() < table_.capacity() * 7 / 32))
      table_.rehash(0);
    memory.release(before - bytes());
    return owner;
  }

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& slot : table_) visit(std::as_const(*slot.owner));
  }

 private:
  struct Slot {
    mutable Owner owner;  // may be exchanged for one of the same name
  };
  struct Candidate {};
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Candidate& /*none*/) const { return 0; }  // never asked for
    std::size_t operator()(std::string_view name) const { return hash_of(name); }
    std::size_t operator()(const Slot& slot) const { return hash_of(name_of(*slot.owner)); }
  };
  struct Equal {
    using is_transparent = void;
    static std::string_view name(std::string_view name) { return name; }
    static std::string_view name(const Slot& slot) { return name_of(*slot.owner); }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return name(a) == name(b);
    }
    bool operator()(const Slot& /*any*/, const Candidate& /*any*/) const { return true; }
    bool operator()(const Candidate& /*any*/, const Slot& /*any*/) const { return true; }
  };

  // A bound of the table's memory with `size` things that is known before it grows: it doubles only
  // when it is more than 25/32 full, so 64/25 slots of 9 bytes (pointer and control byte) each
  // thing are enough. When things were removed, the table that is still there counts. Tables of up
  // to 31 slots may double earlier.
  std::uint64_t table_bytes(std::size_t size) const {
    constexpr std::uint64_t kThingBytes = 24;
    constexpr std::uint64_t kSlotBytes = sizeof(Slot) + 1;
    constexpr std::uint64_t kTableBytes = 48;  // further control bytes and malloc's own
    if (size == 0 && table_.capacity() == 0) return 0;
    return std::max(kThingBytes * size, kSlotBytes * table_.capacity()) + kTableBytes;
  }

  absl::flat_hash_set<Slot, Hash, Equal> table_;
};

}  // namespace kvmesh::store
