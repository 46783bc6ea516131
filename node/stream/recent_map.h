#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include <absl/container/flat_hash_map.h>

namespace kvmesh::stream {

/// What is known of the last so many keys that were asked for: for tables that strangers fill. Not
/// thread-safe.
template <typename Key, typename Value>
class RecentMap {
 public:
  /// REQUIRES: most > 0.
  explicit RecentMap(std::size_t most) : most_(most) {}

  /// The value of `key`, made when there is none: the one that was not asked for longest goes then,
  /// if there are as many as may be. Valid until the next call of at() or erase().
  Value& at(const Key& key) {
    if (auto* value = find(key)) return *value;
    if (by_key_.size() == most_) {
      by_key_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, Value{});
    by_key_.emplace(key, entries_.begin());
    return entries_.front().second;
  }
  /// Null when there is none.
  Value* find(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }
  void erase(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    entries_.erase(found->second);
    by_key_.erase(found);
  }
  void clear() {
    by_key_.clear();
    entries_.clear();
  }
  std::size_t size() const { return by_key_.size(); }

 private:
  using Entries = std::list<std::pair<Key, Value>>;

  std::size_t most_;
  Entries entries_;  // the one that was asked for last comes first
  absl::flat_hash_map<Key, typename Entries::iterator> by_key_;
};

}  // namespace kvmesh::stream
