#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "node/store/hashed_name.h"

namespace kvmesh::store {

// One hash table of owning pointers to things, found by their names, `name_of(thing)`. Whoever
// fills it keeps it small: it grows in one go, which takes time in proportion to its size.
// Guarded by its owner's lock.
template <typename Owner>
class NameTable {
 public:
  using Thing = typename Owner::element_type;

  std::size_t size() const { return table_.size(); }
  std::uint64_t bytes() const { return bytes_with(table_.size()); }
  // A bound of the table's memory with `size` things that is known before it grows: it doubles only
  // when it is more than 25/32 full, so 64/25 slots of 9 bytes (pointer and control byte) each
  // thing are enough. When things were removed, the table that is still there counts. Tables of up
  // to 31 slots may double earlier.
  std::uint64_t bytes_with(std::size_t size) const {
    constexpr std::uint64_t kThingBytes = 24;
    constexpr std::uint64_t kSlotBytes = sizeof(Slot) + 1;
    constexpr std::uint64_t kTableBytes = 48;  // further control bytes and malloc's own
    if (size == 0 && table_.capacity() == 0) return 0;
    return std::max(kThingBytes * size, kSlotBytes * table_.capacity()) + kTableBytes;
  }

  Owner* find(const HashedName& name) const {
    const auto slot = table_.find(name, name.hash);
    return slot == table_.end() ? nullptr : &slot->owner;
  }
  // A thing whose name has this hash and that is fit, or null.
  Owner* find_if(std::uint64_t hash, absl::FunctionRef<bool(const Thing&)> is_fit) const {
    const auto slot = table_.find(Wanted{hash, is_fit}, hash);
    return slot == table_.end() ? nullptr : &slot->owner;
  }
  void prefetch_place(const HashedName& name) const { table_.prefetch(Place{name.hash}); }
  // The first thing that may have this hash, as the table's few bits of it tell.
  void prefetch_thing(std::uint64_t hash) const {
    const auto slot = table_.find(Candidate{}, hash);
    if (slot != table_.end()) fetch(*slot);
  }

  void reserve(std::size_t size) { table_.reserve(size); }
  // REQUIRES: nothing of that name is there; `owner` holds a thing of that name.
  void insert(const HashedName& name, Owner owner) {
    make_room();
    place(name, std::move(owner));
  }
  // Null when there is none.
  Owner take(const HashedName& name) {
    const auto slot = table_.find(name, name.hash);
    if (slot == table_.end()) return nullptr;
    auto owner = std::move(slot->owner);
    table_.erase(slot);
    // A quarter of the fullest, so that a set whose size swings does not rehash all the time.
    if (table_.empty()) {
      table_ = {};
    } else if (table_.capacity() > 31 && table_.size() < table_.capacity() * 7 / 32) {
      rebuild(table_.size());
    }
    return owner;
  }

  template <typename Visit>
  void for_each(Visit visit) const {
    each_slot(table_, [&](const Slot& slot) { visit(std::as_const(*slot.owner)); });
  }
  // Gives every thing to `keep(owner)`, which looks at it, and is empty then.
  template <typename Keep>
  void drain(Keep keep) {
    const auto all = std::exchange(table_, {});
    each_slot(all, [&](const Slot& slot) { keep(std::move(slot.owner)); });
  }
  // The same, for things that are not looked at yet.
  template <typename Keep>
  void hand_out(Keep keep) {
    const auto all = std::exchange(table_, {});
    for (const auto& slot : all) keep(std::move(slot.owner));
  }

 private:
  struct Slot {
    mutable Owner owner;  // may be exchanged for one of the same name
  };
  struct Candidate {};
  struct Wanted {
    std::uint64_t hash;
    absl::FunctionRef<bool(const Thing&)> is_fit;
  };
  struct Place {
    std::uint64_t hash;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Candidate& /*none*/) const { return 0; }  // never asked for
    std::size_t operator()(const HashedName& name) const { return name.hash; }
    std::size_t operator()(const Wanted& wanted) const { return wanted.hash; }
    std::size_t operator()(const Place& place) const {
      keep_call();
      return place.hash;
    }
    std::size_t operator()(const Slot& slot) const { return name_hash(name_of(*slot.owner)); }
  };
  struct Equal {
    using is_transparent = void;
    static std::string_view name(const HashedName& name) { return name.name; }
    static std::string_view name(const Slot& slot) { return name_of(*slot.owner); }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return name(a) == name(b);
    }
    bool operator()(const Slot& slot, const Wanted& wanted) const {
      return name_hash(name_of(*slot.owner)) == wanted.hash && wanted.is_fit(*slot.owner);
    }
    bool operator()(const Wanted& wanted, const Slot& slot) const { return (*this)(slot, wanted); }
    bool operator()(const Slot& /*any*/, const Candidate& /*any*/) const { return true; }
    bool operator()(const Candidate& /*any*/, const Slot& /*any*/) const { return true; }
  };
  using Table = absl::flat_hash_set<Slot, Hash, Equal>;

  // Small things lie on two lines at most.
  static void fetch(const Slot& slot) {
    constexpr std::size_t kLine = 64;
    const auto* first = reinterpret_cast<const char*>(slot.owner.get());
    __builtin_prefetch(first);
    __builtin_prefetch(first + kLine - 1);
    keep_call();
  }
  // The compiler takes a function that does nothing but prefetch for one without effects, and may
  // leave out calls of it.
  static void keep_call() { asm volatile(""); }
  // Things lie anywhere in memory: one waits for many at a time.
  template <typename Visit>
  static void each_slot(const Table& table, Visit visit) {
    constexpr int kAhead = 16;
    auto ahead = table.begin();
    const auto fetch_next = [&] {
      if (ahead != table.end()) fetch(*ahead++);
    };
    for (int i = 0; i < kAhead; ++i) fetch_next();
    for (const auto& slot : table) {
      fetch_next();
      visit(slot);
    }
  }

  // Before the table would grow by itself, which waits for one thing after the other.
  void make_room() {
    const auto capacity = table_.capacity();
    if (capacity > 1000 && table_.size() == capacity - capacity / 8) rebuild(capacity);
  }
  void rebuild(std::size_t size) {
    auto all = std::exchange(table_, {});
    table_.reserve(size);
    each_slot(all, [&](const Slot& slot) {
      const std::string_view name = name_of(*slot.owner);
      place(HashedName(name), std::move(slot.owner));
    });
  }
  void place(const HashedName& name, Owner owner) {
    table_.lazy_emplace(name, [&](const auto& make) { make(Slot{std::move(owner)}); });
  }

  Table table_;
};

}  // namespace kvmesh::store
