#include "node/sim/promised.h"

#include <utility>
#include <vector>

#include "common/text.h"

namespace kvmesh::sim {

void Promised::told(std::uint64_t execution) {
  while (!pending_.empty() && told_.executions() < execution) {
    (void)told_.execute(pending_.front());
    pending_.pop_front();
  }
}

std::string Promised::crashed(const SimDisk::Content& disk, store::Moment now, Shadow& shadow) {
  const auto least = difference(disk, now);
  auto last = least;
  for (const auto& execution : std::exchange(pending_, {})) {
    if (last.empty()) break;
    (void)told_.execute(execution);
    last = difference(disk, now);
  }
  if (!last.empty()) {
    return "has a disk that no end of it explains; with what was told of, it " + least +
           "; with all that was executed, it " + last;
  }
  told_.restart(shadow.executions());
  forget_ended(disk);
  shadow.become(told_);
  return {};
}

// Between the disk and what is stored now; empty: there is none.
std::string Promised::difference(const SimDisk::Content& disk, store::Moment now) {
  std::size_t records = 0;
  for (const auto& [id, bucket] : told_.buckets()) {
    const auto& name = plan_.buckets[id];
    const auto held = disk.buckets.find(name);
    if (held == disk.buckets.end()) return "lacks the bucket " + in_quotes(name);
    for (const auto& [key, stored] : bucket.keys) {
      const auto where = key_text(key) + " of bucket " + in_quotes(name);
      const auto record = held->second.records.find(key_text(key));
      if (record == held->second.records.end()) {
        if (stored.is_there(now)) return "lacks " + where;
        continue;
      }
      ++records;
      const auto& [value, rev, expires] = record->second;
      if (value != stored.text()) {
        return "has " + in_quotes(value) + " for " + in_quotes(stored.text()) + " under " + where;
      }
      if (expires != stored.expires) return "has another end of " + where;
    }
    std::size_t notes = 0;
    for (const auto& [once, answer] : bucket.once) {
      const bool has_note = held->second.notes.contains(once_text(once));
      notes += has_note ? 1U : 0U;
      if (!has_note && answer.is_known(now)) return "lacks the answer to " + once_text(once);
    }
    if (notes < held->second.notes.size()) {
      return "has an answer to a call of bucket " + in_quotes(name) + " that was not executed";
    }
  }
  if (disk.buckets.size() > told_.buckets().size()) return "has a bucket that is not there";
  for (const auto& [name, bucket] : disk.buckets) {
    if (bucket.records.size() > records) return "has a key that is not there";
    records -= bucket.records.size();
  }
  return {};
}

// What had expired when the node ended may have been removed, and then it does not come back,
// whatever the clock is after that.
void Promised::forget_ended(const SimDisk::Content& disk) {
  std::vector<std::pair<std::uint32_t, std::uint16_t>> ended;
  for (const auto& [id, bucket] : told_.buckets()) {
    const auto& records = disk.buckets.at(plan_.buckets[id]).records;
    for (const auto& [key, stored] : bucket.keys) {
      if (!records.contains(key_text(key))) ended.emplace_back(id, key);
    }
  }
  for (const auto& [bucket, key] : ended) told_.remove(bucket, key);
}

}  // namespace kvmesh::sim
