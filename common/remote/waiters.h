#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "common/remote/connection.h"

namespace kvmesh::remote {

/// Those who wait for a change of something that a mutex guards. All methods but wait() are for
/// holders of that mutex.
class Waiters {
 public:
  void wake_all() {
    for (const auto& waiter : waiting_) waiter->wake();
  }

  /// Waits, without the mutex, until `is_there` (asked with the mutex) holds: then true. False when
  /// `until` has passed, or the connection is closed and nothing can be waited for.
  template <typename IsThere>
  static bool wait(Waiters& waiters, std::mutex& mutex, Connection& connection, TimePoint until,
                   IsThere&& is_there) {
    {
      const std::lock_guard lock{mutex};
      if (is_there()) return true;
    }
    const auto waiter = connection.make_waiter();
    if (waiter == nullptr) return false;
    for (bool in_time = true, waits = false;; in_time = waiter->wait_until(until)) {
      const std::lock_guard lock{mutex};
      const bool there = is_there();
      if (there || !in_time) {
        std::erase(waiters.waiting_, waiter);
        return there;
      }
      if (!std::exchange(waits, true)) waiters.waiting_.push_back(waiter);
    }
  }

 private:
  std::vector<std::shared_ptr<Waiter>> waiting_;
};

}  // namespace kvmesh::remote
