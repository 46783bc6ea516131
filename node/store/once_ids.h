#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "node/store/change.h"
#include "node/store/revision.h"

namespace kvmesh::store {

// Answers to changes that were made and had an id, by that id: who asks again, not knowing whether
// they were made, gets the first answer.
// Guarded by the lock of its bucket.
class OnceIds {
 public:
  using Owner = std::unique_ptr<OnceIds>;
  static constexpr std::size_t kMost = 1000;
  static constexpr Moment kKeptMs = 60'000;

  // Null when it is not known, or older than kKeptMs.
  const Applied* find(std::string_view id, Moment now) const;
  // One of the same id that was forgotten by its age is not known any more.
  void add(std::string_view id, const Applied& answer, Moment now);
  // After answers were added in any order: the oldest is the first.
  void sort();
  // Whether the oldest is older than kKeptMs, or there are more than kMost.
  bool has_old(Moment now) const {
    return !answers_.empty() && (next_end() <= now || answers_.size() > kMost);
  }
  // Its id. REQUIRES: !empty().
  const std::string& oldest() const { return answers_.front().id; }
  void forget_oldest();

  bool empty() const { return answers_.empty(); }
  // When the oldest is to be forgotten. REQUIRES: !empty().
  Moment next_end() const { return answers_.front().at + kKeptMs; }
  // What it takes, and what an answer to so many changes adds.
  std::uint64_t bytes() const { return bytes_; }
  static std::uint64_t cost(std::size_t changes);

 private:
  struct Answer {
    Moment at;
    std::string id;
    Applied applied;
  };

  std::deque<Answer> answers_;  // the oldest first
  std::uint64_t first_ = 0;     // the number of that one
  std::unordered_map<std::string, std::uint64_t> numbers_;
  std::uint64_t bytes_ = 0;
};

}  // namespace kvmesh::store
