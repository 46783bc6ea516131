#include "node/tasks/run_queue.h"

#include <thread>
#include <utility>

namespace kvmesh::tasks {
namespace {

// A few microseconds: about what a sleep and a wake-up cost, so looking never costs more than twice
// the better choice.
constexpr int kSpins = 64;

void relax_processor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

// With one processor, whoever looks keeps away the one that would bring something.
bool spinning_helps() {
  static const bool kHelps = std::thread::hardware_concurrency() > 1;
  return kHelps;
}

}  // namespace

bool RunQueue::push_body(std::function<void()>& body) {
  const std::lock_guard lock(mutex_);
  const std::size_t bodies = bodies_.load(std::memory_order_relaxed);
  if (bodies >= bodies_max_) return false;
  bodies_.store(bodies + 1, std::memory_order_relaxed);
  push_locked({nullptr, std::move(body)});
  return true;
}

void RunQueue::push(Fiber& fiber) {
  const std::lock_guard lock(mutex_);
  push_locked({&fiber, nullptr});
}

void RunQueue::push_locked(Runnable runnable) {
  queue_.push_back(std::move(runnable));
  size_.store(queue_.size(), std::memory_order_relaxed);
  wake_one();
}

// With the lock held: once it is free, the fiber that was pushed may run, end and let the pool be
// destroyed.
void RunQueue::wake_one() {
  if (asleep_ == 0 || looking_ > 0) return;
  --asleep_;
  ++looking_;
  ++wakes_;
  wake_.notify_one();
}

std::optional<Runnable> RunQueue::pop() {
  std::unique_lock lock(mutex_);
  bool looking = false;  // this worker is counted in looking_
  bool spun = !spinning_helps();
  while (queue_.empty() && !closed_) {
    if (!spun && (looking || looking_ == 0)) {  // one that spins is enough
      spun = true;
      if (!looking) ++looking_;
      looking = true;
      lock.unlock();
      spin();
      lock.lock();
      continue;
    }
    if (looking) --looking_;
    ++asleep_;
    wake_.wait(lock, [this] { return wakes_ > 0 || closed_; });
    looking = wakes_ > 0;
    if (looking) {
      --wakes_;  // whoever allowed it has counted this worker as looking
    } else {
      --asleep_;
    }
  }
  if (looking) --looking_;
  if (queue_.empty()) return {};
  std::optional<Runnable> first = std::move(queue_.front());
  queue_.pop_front();
  size_.store(queue_.size(), std::memory_order_relaxed);
  if (first->fiber == nullptr) {
    bodies_.store(bodies_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
  if (looking && !queue_.empty()) wake_one();
  return first;
}

void RunQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  wake_.notify_all();
}

void RunQueue::spin() const {
  for (int i = 0; i < kSpins && looks_empty(); ++i) relax_processor();
}

}  // namespace kvmesh::tasks
