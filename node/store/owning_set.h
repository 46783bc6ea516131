#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <kvmesh/status.h>

#include "node/store/memory_bound.h"
#include "node/store/name_table.h"
#include "node/store/scan_position.h"

namespace kvmesh::store {

// Things found by their name, `name_of(thing)`: owning pointers in hash tables that account for
// their own memory. A small set is one table. A full table is split in two instead of doubling, by
// a bit of its things' hashes: so no operation ever moves more than one table, however many things
// there are. Taking things out joins tables again.
// Invariant: bytes() is what this set has taken from the MemoryBound, and never less than its
// tables take.
// Guarded by its owner's lock.
template <typename Owner>
class OwningSet {
 public:
  // What 8191 slots hold, but for a margin. With half of it they are as full as a table that has
  // just doubled.
  static constexpr std::size_t kTableFull = 7000;

  std::size_t size() const { return many_ ? many_->size : one_.size(); }
  std::uint64_t bytes() const { return many_ ? many_->bytes() : one_.bytes(); }

  // The owner of the thing with this name, or null. Another thing of the same name may be put
  // there; any change of the set ends the pointer's life.
  Owner* find(const HashedName& name) const { return table_of(name.hash).find(name); }

  // The owner of a thing whose name has this hash and that is fit, or null.
  template <typename Fit>
  Owner* find_if(std::uint64_t hash, Fit is_fit) const {
    return table_of(hash).find_if(hash, is_fit);
  }

  // Asks the processor to fetch the name's place in the table.
  void prefetch_place(const HashedName& name) const { table_of(name.hash).prefetch_place(name); }
  // Asks it to fetch the first thing that may have this hash; reads the place, but not the thing.
  void prefetch_thing(std::uint64_t hash) const { table_of(hash).prefetch_thing(hash); }

  // Adds what `make()` returns, after `thing_bytes` and the table's growth were reserved; kFull
  // when they could not.
  // REQUIRES: nothing of that name is there.
  template <typename Make>
  Status insert(MemoryBound& memory, const HashedName& name, std::uint64_t thing_bytes, Make make) {
    if (table_of(name.hash).size() >= kTableFull) split(memory, name.hash);
    auto& table = table_of(name.hash);
    const auto before = table.bytes();
    const auto expected = table.bytes_with(table.size() + 1);
    if (auto status = memory.reserve(thing_bytes + expected - before); !status.ok()) return status;
    table.insert(name, make());
    const auto now = table.bytes();
    // A small table may have doubled early, which is below 300 bytes: see bytes_with().
    if (now > expected) memory.charge(now - expected);
    if (many_) many_->add(1, now - before);
    return {};
  }  // NOLINT(clang-analyzer-*): it cannot see that the table owns the thing now

  // Hands out the thing with this name, or null; releases only what the tables shrink by.
  Owner take(MemoryBound& memory, const HashedName& name) {
    auto& table = table_of(name.hash);
    const auto before = table.bytes();
    auto owner = table.take(name);
    const auto less = before - table.bytes();
    memory.release(less);
    if (!many_ || !owner) return owner;
    many_->remove(1, less);
    join(memory, many_->index_of(scan_bits(name.hash)) & (many_->half - 1));
    return owner;
  }

  // Visits the things of one table, the one in which `position` is, from there on, and returns
  // where the next begins. The set may change between two calls: what is in it all the time is
  // visited exactly once.
  // REQUIRES: position < kScanEnd.
  template <typename Visit>
  ScanPosition visit_from(ScanPosition position, Visit visit) const {
    const auto index = many_ ? many_->index_of(bits_at(position)) : 0;
    const ScanPosition begin = reversed(static_cast<std::uint32_t>(index));
    const auto& table = many_ ? many_->tables[index] : one_;
    table.for_each([&](const auto& thing) {
      // After tables were joined, what is before the position was visited already.
      if (begin == position || position_of(name_hash(name_of(thing))) >= position) visit(thing);
    });
    return begin + width_at(position);
  }
  // How much of the walk's order the table takes up in which `position` is.
  ScanPosition width_at(ScanPosition position) const {
    return many_ ? many_->width_of(many_->index_of(bits_at(position))) : kScanEnd;
  }

  // Gives the things of one table to `keep(owner)`, and the table's memory back. False: the set is
  // empty. Nothing but this may be called after it.
  template <typename Keep>
  bool drain_some(MemoryBound& memory, Keep keep) {
    const auto before = bytes();
    Table table = std::exchange(one_, {});
    while (many_ && table.size() == 0) {
      table = many_->pop();
      if (many_->tables.empty()) many_.reset();
    }
    table.hand_out(keep);
    memory.release(before - bytes());
    return many_ != nullptr;
  }

 private:
  using Table = NameTable<Owner>;

  struct Many {
    void add(std::size_t things, std::uint64_t more) { size += things, table_bytes += more; }
    void remove(std::size_t things, std::uint64_t less) { size -= things, table_bytes -= less; }
    std::uint64_t bytes() const { return table_bytes + own_bytes(tables.capacity()); }
    static std::uint64_t own_bytes(std::size_t capacity) {
      constexpr std::size_t kMallocBytes = 16;
      return sizeof(Many) + capacity * sizeof(Table) + capacity / 2 + 3 * kMallocBytes;
    }
    std::size_t index_of(std::uint32_t bits) const {
      const auto index = bits & (2 * half - 1);
      return index < half || is_split[index - half] != 0 ? index : index - half;
    }
    ScanPosition width_of(std::size_t index) const {
      return kScanEnd / (is_split[index & (half - 1)] != 0 ? 2 * half : half);
    }
    // The next bit of the hashes from here on, or the one before: all tables are whole, or split.
    void use_bits(std::size_t new_half, bool split) {
      half = new_half;
      tables.resize(2 * half);
      is_split.assign(half, split ? 1 : 0);
      splits = split ? half : 0;
      if (tables.capacity() > 4 * half) tables.shrink_to_fit();
    }
    Table pop() {
      auto table = std::move(tables.back());
      tables.pop_back();
      remove(table.size(), table.bytes());
      return table;
    }

    // The table at `index` has the hashes that end in these bits; once it is split, those that also
    // have the bit `half` are in the one at index + half.
    std::size_t half = 1;
    std::vector<Table> tables{2 * half};
    std::vector<std::uint8_t> is_split = std::vector<std::uint8_t>(half);
    std::size_t splits = 0;  // so many are
    std::size_t size = 0;
    std::uint64_t table_bytes = 0;
  };

  const Table& table_of(std::uint64_t hash) const {
    return many_ ? many_->tables[many_->index_of(scan_bits(hash))] : one_;
  }
  Table& table_of(std::uint64_t hash) {
    return many_ ? many_->tables[many_->index_of(scan_bits(hash))] : one_;
  }

  // Splits the table of this hash. Not when memory is short: then nothing can grow much, and a
  // table that is somewhat too large does little harm.
  void split(MemoryBound& memory, std::uint64_t hash) {
    constexpr std::uint64_t kRounding = 300;  // see bytes_with()
    const auto before = bytes();
    const bool next_bit = many_ && many_->splits == many_->half;
    const auto places = many_ ? many_->tables.capacity() : 0;
    const auto more = (next_bit ? Many::own_bytes(4 * many_->half) - Many::own_bytes(places) : 0) +
                      (many_ ? 0 : Many::own_bytes(2)) + kRounding;
    if (!memory.reserve(more).ok()) return;
    if (!many_) {
      many_ = std::make_unique<Many>();
      many_->add(one_.size(), one_.bytes());
      many_->tables.front() = std::exchange(one_, {});
    }
    if (next_bit) many_->use_bits(2 * many_->half, false);
    auto index = many_->index_of(scan_bits(hash));
    // Twice as full as others, which chance does not make it: it must grow until all are split.
    if (index >= many_->half || many_->is_split[index] != 0) {
      index =
          static_cast<std::size_t>(std::ranges::find(many_->is_split, 0) - many_->is_split.begin());
    }
    divide(index);
    settle(memory, before, more);
  }

  void divide(std::size_t index) {
    const auto half = many_->half;
    auto& from = many_->tables[index];
    auto& leave = many_->tables[index + half];
    many_->remove(from.size(), from.bytes());
    Table stay;
    // As many as are to come: each thing is moved once while the set doubles.
    stay.reserve(std::min(from.size(), kTableFull));
    leave.reserve(std::min(from.size(), kTableFull));
    from.drain([&](Owner owner) {
      const HashedName name(name_of(*owner));
      ((scan_bits(name.hash) & half) == 0 ? stay : leave).insert(name, std::move(owner));
    });
    from = std::move(stay);
    many_->add(from.size(), from.bytes());
    many_->add(leave.size(), leave.bytes());
    many_->is_split[index] = 1;
    ++many_->splits;
  }

  // Joins the halves of the table at `index`, if it is split and they have little left.
  void join(MemoryBound& memory, std::size_t index) {
    const auto half = many_->half;
    auto& into = many_->tables[index];
    auto& other = many_->tables[index + half];
    if (many_->is_split[index] == 0 || into.size() + other.size() >= kTableFull / 4) return;
    const auto before = bytes();
    many_->remove(into.size() + other.size(), into.bytes() + other.bytes());
    into.reserve(into.size() + other.size());
    other.drain([&](Owner owner) {
      const HashedName name(name_of(*owner));
      into.insert(name, std::move(owner));
    });
    many_->add(into.size(), into.bytes());
    many_->is_split[index] = 0;
    --many_->splits;
    if (many_->splits == 0) {
      if (half > 1) {
        many_->use_bits(half / 2, true);
      } else {
        one_ = std::move(into);
        many_.reset();
      }
    }
    settle(memory, before, 0);
  }

  // Makes true again that bytes() is taken: so far `before` is, and `reserved` more.
  void settle(MemoryBound& memory, std::uint64_t before, std::uint64_t reserved) {
    const auto taken = before + reserved;
    const auto now = bytes();
    now > taken ? memory.charge(now - taken) : memory.release(taken - now);
  }

  Table one_;  // of a set that is small
  std::unique_ptr<Many> many_;
};

}  // namespace kvmesh::store
