#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <kvmesh/operation.h>

#include "common/names.h"

namespace kvmesh::tasks {

/// What is to be called when the requests of this node's own bodies are answered. Not thread-safe.
class OwnRequests {
 public:
  using Done = std::function<void(Outcome)>;

  RequestId add(Done done) {
    if (free_.empty()) {
      free_.push_back(waiting_.size());
      waiting_.emplace_back();
    }
    const auto place = free_.back();
    free_.pop_back();
    waiting_[place] = std::move(done);
    return {place};
  }
  /// REQUIRES: added and not taken; the core answers every request once.
  Done take(RequestId id) {
    free_.push_back(static_cast<std::size_t>(id.value));
    return std::exchange(waiting_[static_cast<std::size_t>(id.value)], {});
  }

 private:
  std::vector<Done> waiting_;
  std::vector<std::size_t> free_;  // places
};

}  // namespace kvmesh::tasks
