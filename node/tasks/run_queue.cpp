#include "node/tasks/run_queue.h"

#include <thread>
#include <utility>

namespace kvmesh::tasks {
namespace {

// A few microseconds: about what a sleep and a wake-up cost, so looking never costs more than twice
// the better choice.
constexpr int kLooksAtOnce = 64;

void relax_processor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

}  // namespace

bool RunQueue::reserve_body() {
  auto bodies = bodies_.load(std::memory_order_relaxed);
  do {
    if (bodies >= options_.bodies_max) return false;
  } while (!bodies_.compare_exchange_weak(bodies, bodies + 1, std::memory_order_relaxed));
  return true;
}

void RunQueue::push(std::vector<std::function<void()>>& bodies) {
  {
    const std::lock_guard lock(mutex_);
    const auto time = now();
    for (auto& body : bodies) push_locked({nullptr, std::move(body)}, time);
    pushed_locked(time);
  }
  bodies.clear();
}

void RunQueue::push(Fiber& fiber) {
  const std::lock_guard lock(mutex_);
  const auto time = now();
  push_locked({&fiber, nullptr}, time);
  pushed_locked(time);
}

void RunQueue::push_locked(Runnable runnable, Clock::time_point now) {
  queue_.push_back({std::move(runnable), now});
  ++pushed_;
}

void RunQueue::pushed_locked(Clock::time_point now) {
  size_.store(queue_.size(), std::memory_order_relaxed);
  if (eager_ || asleep_ == options_.workers || first_is_late(now)) wake_one();
}

bool RunQueue::first_is_late(Clock::time_point now) const {
  return now - queue_.front().since > options_.patience;
}

void RunQueue::check_patience() {
  if (looks_empty()) return;
  const std::lock_guard lock(mutex_);
  if (!eager_ && !queue_.empty() && first_is_late(Clock::now())) wake_one();
}

void RunQueue::hurry() {
  if (looks_empty()) return;
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return;
  eager_ = true;
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
  bool looked = false;
  Clock::time_point idle_since;
  while (queue_.empty() && !closed_) {
    if (!looked && (looking || looking_ == 0)) {  // one that looks is enough
      looked = true;
      if (!looking) ++looking_;
      looking = true;
      idle_since = Clock::now();
      const bool pays = looking_pays_;
      lock.unlock();
      look(pays);
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
  if (looked) looking_pays_ = Clock::now() - idle_since < options_.busy_poll;
  std::optional<Runnable> first = std::move(queue_.front().runnable);
  queue_.pop_front();
  size_.store(queue_.size(), std::memory_order_relaxed);
  if (first->fiber == nullptr) bodies_.fetch_sub(1, std::memory_order_relaxed);
  if (queue_.empty()) {
    eager_ = options_.patience.count() == 0;
  } else if (eager_ ? looking : asleep_ > 0 && first_is_late(Clock::now())) {
    wake_one();
  }
  return first;
}

RunQueue::Progress RunQueue::progress() const {
  const std::lock_guard lock(mutex_);
  return {pushed_, pushed_ - queue_.size()};
}

void RunQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  wake_.notify_all();
}

// By one worker at a time.
void RunQueue::look(bool pays) {
  auto now = Clock::now();
  const auto until = pays ? busy_poll_.until(now) : now;
  for (;;) {
    for (int i = 0; i < kLooksAtOnce; ++i) {
      if (!looks_empty()) return busy_poll_.succeeded();
      relax_processor();
    }
    if (now >= until) return;
    std::this_thread::yield();
    const auto before = std::exchange(now, Clock::now());
    busy_poll_.gave_way(before, now);
  }
}

}  // namespace kvmesh::tasks
