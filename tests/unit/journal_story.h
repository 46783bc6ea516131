#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/journal/journal.h"

namespace kvmesh::test {

/// All that a journal keeps, in plain containers. It is filled by a Loader or by a Story.
struct JournalModel {
  struct Value {
    std::string value;
    std::uint64_t revision = 0;
    std::uint64_t expires_ms = 0;
    bool operator==(const Value&) const = default;
  };
  struct Bucket {
    std::string name;
    std::string meta;
    std::map<std::string, Value> keys;
    std::map<std::string, std::string> notes;
    bool operator==(const Bucket&) const = default;
  };
  std::map<journal::BucketId, Bucket> buckets;
  bool operator==(const JournalModel&) const = default;
};

/// What a journal gives at its start; fails when it does not come in the promised order.
class JournalContents final : public journal::Loader {
 public:
  Status bucket(journal::BucketId bucket, std::string_view name, std::string_view meta) override {
    if (bucket <= last_) return out_of_order("bucket");
    last_ = bucket;
    last_key_.clear();
    model.buckets[bucket] = {std::string{name}, std::string{meta}, {}, {}};
    return {};
  }
  Status record(journal::BucketId bucket, std::string_view key,
                const journal::Record& record) override {
    auto& keys = model.buckets[bucket].keys;
    if (bucket != last_ || (!keys.empty() && key <= last_key_)) return out_of_order("record");
    last_key_ = key;
    keys[last_key_] = {std::string{record.value}, record.revision, record.expires_ms};
    return {};
  }
  Status note(journal::BucketId bucket, std::string_view name, std::string_view content) override {
    if (bucket != last_) return out_of_order("note");
    model.buckets[bucket].notes[std::string{name}] = content;
    return {};
  }
  void progress(const journal::Recovered&) override {}

  JournalModel model;

 private:
  static Status out_of_order(std::string_view what) {
    return {StatusCode::kInternal, std::string{what} + " out of order"};
  }
  journal::BucketId last_ = 0;
  std::string last_key_;
};

/// A sequence of operations that depends on nothing but its seed, and what they lead to: the
/// oracle. Operation number N has the revision N.
class JournalStory {
 public:
  explicit JournalStory(std::uint64_t seed) : random_(seed) {}

  /// The state after `count` operations.
  static JournalModel after(std::uint64_t seed, std::uint64_t count) {
    JournalStory story{seed};
    while (story.count() < count) story.advance();
    return story.model();
  }

  /// The next operation. The changes live until the next call.
  const std::vector<journal::Change>& advance() {
    ++count_;
    changes_.clear();
    texts_.clear();
    texts_.reserve(64);
    const auto dice = buckets().empty() ? 0 : roll(100);
    if (dice < 6) {
      create();
    } else if (dice < 9 && buckets().size() > 1) {
      drop();
    } else if (dice < 19) {
      erase();
    } else if (dice < 25) {
      note();
    } else {
      for (auto puts = dice < 35 ? 4 : 1; puts > 0; --puts) put();
      if (dice < 30) erase();
    }
    return changes_;
  }
  std::uint64_t count() const { return count_; }
  const JournalModel& model() const { return model_; }

  /// What the changes take of the queue.
  std::size_t bytes() const {
    std::size_t bytes = 0;
    for (const auto& change : changes_) {
      bytes += journal::staged_bytes(change.name.size(), change.record.value.size());
    }
    return bytes;
  }

 private:
  using Change = journal::Change;

  std::map<journal::BucketId, JournalModel::Bucket>& buckets() { return model_.buckets; }
  std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  journal::BucketId any() {
    auto it = buckets().begin();
    std::advance(it, roll(buckets().size()));
    return it->first;
  }
  std::string_view key() { return keep("key-" + std::to_string(roll(40))); }

  void create() {
    const auto id = ++last_bucket_;
    const auto name = keep("bucket-" + std::to_string(id % 5) + std::string(roll(3), '\0'));
    const auto meta = keep("meta-" + std::to_string(count_));
    buckets()[id] = {std::string{name}, std::string{meta}, {}, {}};
    changes_.push_back(Change::of_bucket(id, name, meta));
  }
  void drop() {
    const auto id = any();
    buckets().erase(id);
    changes_.push_back(Change::drop(id));
  }
  void erase() {
    const auto id = any();
    const auto name = key();
    buckets()[id].keys.erase(std::string{name});
    changes_.push_back(Change::erase(id, name));
  }
  void note() {
    const auto id = any();
    const auto name = keep("note-" + std::to_string(roll(3)));
    if (roll(3) == 0) {
      buckets()[id].notes.erase(std::string{name});
      changes_.push_back(Change::forget_note(id, name));
      return;
    }
    const auto content = keep("content-" + std::to_string(count_));
    buckets()[id].notes[std::string{name}] = content;
    changes_.push_back(Change::note(id, name, content));
  }
  void put() {
    const auto id = any();
    const auto name = key();
    auto text =
        std::to_string(count_) + ":" + std::string(roll(8) == 0 ? roll(4000) : roll(40), 'v');
    for (auto& letter : text) letter = static_cast<char>(letter + static_cast<char>(roll(3)));
    const auto value = keep(std::move(text));
    const auto expires = roll(4) == 0 ? 1'800'000'000'000 + count_ : 0;
    buckets()[id].keys[std::string{name}] = {std::string{value}, count_, expires};
    changes_.push_back(Change::put(id, name, {value, count_, expires}));
  }

  std::mt19937_64 random_;
  std::uint64_t count_ = 0;
  journal::BucketId last_bucket_ = 0;
  JournalModel model_;
  std::vector<journal::Change> changes_;
  std::vector<std::string> texts_;
};

/// How much more than in the gate: KVMESH_JOURNAL_ROUNDS=20 is the longer mode.
inline std::uint64_t journal_rounds() {
  const char* text = std::getenv("KVMESH_JOURNAL_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
  const auto rounds = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return rounds == 0 ? 1 : rounds;
}

}  // namespace kvmesh::test
