#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace kvmesh::journal {

// Whether the journal has failed: the first reason stays. Thread-safe.
class Failure {
 public:
  /// `told` is called once: when there is a reason.
  void on_set(std::function<void()> told) {
    {
      const std::lock_guard lock{mutex_};
      told_ = std::move(told);
      if (reason_.empty()) return;
    }
    tell();
  }

  void set(const std::string& reason) {
    {
      const std::lock_guard lock{mutex_};
      if (!reason_.empty()) return;
      reason_ = reason;
      is_set_.store(true, std::memory_order_release);
    }
    tell();
  }
  bool is_set() const { return is_set_.load(std::memory_order_acquire); }
  std::optional<std::string> reason() const {
    if (!is_set()) return std::nullopt;
    const std::lock_guard lock{mutex_};
    return reason_;
  }

 private:
  void tell() {
    std::function<void()> told;
    {
      const std::lock_guard lock{mutex_};
      told.swap(told_);
    }
    if (told) told();
  }

  std::atomic<bool> is_set_{false};
  mutable std::mutex mutex_;
  std::string reason_;
  std::function<void()> told_;
};

}  // namespace kvmesh::journal
