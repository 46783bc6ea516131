#include "client/mesh_port.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace kvmesh::client {
namespace {

class ThreadWaiter final : public remote::Waiter {
 public:
  bool wait_until(TimePoint until) override {
    std::unique_lock lock{mutex_};
    return changed_.wait_until(lock, until, [this] { return std::exchange(woken_, false); });
  }
  void wake() override {
    const std::lock_guard lock{mutex_};
    woken_ = true;
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

}  // namespace

std::unique_ptr<remote::Waiter> MeshPort::make_waiter() { return std::make_unique<ThreadWaiter>(); }

}  // namespace kvmesh::client
