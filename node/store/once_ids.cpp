#include "node/store/once_ids.h"

#include <algorithm>

namespace kvmesh::store {

std::uint64_t OnceIds::cost(std::size_t changes) {
  // The id stands in the queue and, with its number, in a node of a hash table; its 16 bytes are
  // one too many for a string without memory of its own.
  constexpr std::size_t kMallocBytes = 16;
  constexpr std::size_t kPlace =
      sizeof(std::string) + 3 * sizeof(std::uint64_t) + sizeof(void*) + kMallocBytes;
  constexpr std::size_t kIds = 2 * (16 + kMallocBytes);
  return sizeof(Answer) + kPlace + kIds + kMallocBytes + changes * sizeof(Applied::Each);
}

const Applied* OnceIds::find(std::string_view id, Moment now) const {
  const auto number = numbers_.find(std::string{id});
  if (number == numbers_.end()) return nullptr;
  const auto& answer = answers_[number->second - first_];
  return answer.at + kKeptMs <= now ? nullptr : &answer.applied;
}

void OnceIds::add(std::string_view id, const Applied& answer, Moment now) {
  numbers_.insert_or_assign(std::string{id}, first_ + answers_.size());
  answers_.push_back({now, std::string{id}, answer});
  bytes_ += cost(answer.each.size());
}

void OnceIds::forget_oldest() {
  const auto& oldest = answers_.front();
  bytes_ -= cost(oldest.applied.each.size());
  const auto number = numbers_.find(oldest.id);
  if (number != numbers_.end() && number->second == first_) numbers_.erase(number);
  answers_.pop_front();
  ++first_;
}

void OnceIds::sort() {
  std::ranges::stable_sort(answers_, {}, &Answer::at);
  for (std::size_t i = 0; i < answers_.size(); ++i) numbers_[answers_[i].id] = first_ + i;
}

}  // namespace kvmesh::store
