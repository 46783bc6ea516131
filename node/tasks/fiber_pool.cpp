#include "node/tasks/fiber_pool.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "node/tasks/fiber.h"
#include "node/tasks/sanitizers.h"

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kSanitizedFrames = 4;  // instrumented ones are that many times as large

thread_local Fiber* running_fiber = nullptr;

// Never inlined into code that runs on fibers, nor taken for a function without effects: that code
// may change threads in the middle of a function, and the compiler would go on with the first
// thread's.
[[gnu::noinline]] Fiber* running() {
  asm volatile("" ::: "memory");
  return running_fiber;
}

Fiber& running_or_abort(const char* caller) {
  Fiber* fiber = running();
  if (fiber == nullptr) {
    std::fprintf(stderr, "kvmesh: FiberPool::%s() was called by a thread that runs no fiber\n",
                 caller);
    std::abort();
  }
  return *fiber;
}

std::size_t sane_stack_bytes(std::size_t bytes) {
  return kSanitized ? bytes * kSanitizedFrames : bytes;
}

// A handler would run on a fiber's small stack. Faults still come to the thread that caused them.
void block_signals() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) {
    sigdelset(&blocked, fault);
  }
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

}  // namespace

FiberPool::FiberPool(const Options& options)
    : options_(options),
      workers_max_(std::max<std::size_t>(options.workers, 1)),
      stacks_({sane_stack_bytes(options.stack_bytes), options.stacks_kept_max,
               options.stacks_guarded_max}),
      queue_({workers_max_, options.queue_max, options.patience, options.busy_poll}),
      current_(workers_max_) {
  watch_for_crashes(&FiberPool::find_crash);
  for (auto& current : current_) workers_.emplace_back([this, &current] { work(current); });
}

FiberPool::~FiberPool() {
  stopping_ = true;
  queue_.hurry();
  if (existing_ == 0) queue_.close();  // else the worker that runs the last one does
  for (auto& worker : workers_) worker.join();
}

Status FiberPool::start(std::function<void()> body) { return Batch{*this}.start(std::move(body)); }

// A place for one more fiber, in all that is bounded.
Status FiberPool::admit() {
  std::size_t existing = existing_.load();
  do {
    if (existing >= options_.fibers_max) {
      return {StatusCode::kOverloaded, "no more tasks are taken: " + std::to_string(existing) +
                                           " of at most " + std::to_string(options_.fibers_max) +
                                           " exist; try again later, or raise tasks.processes_max"};
    }
  } while (!existing_.compare_exchange_weak(existing, existing + 1));

  // Each worker may keep a stack.
  Status admitted = stacks_.reserve(existing + 1 + workers_max_);
  if (admitted.ok() && !queue_.reserve_body()) {
    admitted = {StatusCode::kOverloaded,
                "the queue of tasks is full: " + std::to_string(options_.queue_max) +
                    " wait to begin on " + std::to_string(workers_max_) +
                    " workers; try again later, or raise tasks.queue_max or tasks.workers"};
  }
  if (!admitted.ok()) leave_one();
  return admitted;
}

Status FiberPool::Batch::start(std::function<void()> body) {
  auto status = pool_.admit();
  if (status.ok()) bodies_.push_back(std::move(body));
  return status;
}

void FiberPool::Batch::flush() {
  if (!bodies_.empty()) pool_.queue_.push(bodies_);
}

FiberRef FiberPool::current() {
  Fiber* fiber = running();
  return fiber == nullptr ? FiberRef{} : FiberRef{fiber, fiber->generation()};
}

void FiberPool::park() {
  Fiber& fiber = running_or_abort("park");
  if (fiber.take_permit()) return;
  fiber.yields = false;
  fiber.execution.suspend();
}

void FiberPool::unpark(FiberRef ref) {
  if (!ref || ref.fiber_->allow(ref.generation_) != Fiber::Allowed::kMayRun) return;
  FiberPool& pool = ref.fiber_->pool;
  pool.parked_.fetch_sub(1);
  pool.queue_.push(*ref.fiber_);
}

void FiberPool::set_user(const StackUser& user) { running_or_abort("set_user").set_user(user); }

void FiberPool::yield() {
  Fiber& fiber = running_or_abort("yield");
  if (fiber.pool.queue_.looks_empty()) return;
  fiber.yields = true;
  fiber.execution.suspend();
}

FiberPool::Counts FiberPool::counts() const {
  return {existing_.load(), queue_.bodies(), parked_.load()};
}

std::vector<std::uint64_t> FiberPool::on_workers() const {
  std::vector<std::uint64_t> ids;
  for (const auto& current : current_) {
    const Fiber* fiber = current.load(std::memory_order_acquire);
    if (fiber != nullptr) ids.push_back(fiber->user_id.load(std::memory_order_relaxed));
  }
  return ids;
}

// In a handler of faults: the thread's own fiber has stopped at the instruction that faulted.
void FiberPool::find_crash(const void* address, CrashSite& site) {
  const Fiber* fiber = running();
  if (fiber == nullptr) return;
  site.in_task = true;
  site.user = fiber->user;
  const auto& stacks = fiber->pool.stacks_;
  if (stacks.is_guard_of(fiber->stack, address)) site.overrun_of = stacks.stack_bytes();
}

void FiberPool::work(std::atomic<Fiber*>& current) {
  const FaultStack fault_stack;
  block_signals();
  Fiber* spare = nullptr;  // of the fiber that ended last here: its stack is warm
  while (auto next = queue_.pop()) {
    Fiber* fiber = next->fiber;
    if (fiber == nullptr) {
      fiber = spare != nullptr ? std::exchange(spare, nullptr) : &take_free();
      fiber->body = std::move(next->body);
      fiber->execution.begin(fiber->stack.low, stacks_.stack_bytes(), &FiberPool::enter, fiber);
      fiber->begin();
    }
    current.store(fiber, std::memory_order_release);
    const bool ended = run(*fiber);
    current.store(nullptr, std::memory_order_relaxed);
    if (!ended) continue;
    if (spare == nullptr) {
      spare = fiber;
    } else {
      put_free(*fiber);
    }
    leave_one();
  }
  if (spare != nullptr) put_free(*spare);
}

// True when the fiber has ended. Else it is another's to run, maybe already.
bool FiberPool::run(Fiber& fiber) {
  for (;;) {
    running_fiber = &fiber;
    fiber.execution.resume();
    running_fiber = nullptr;
    const bool ended = fiber.execution.has_ended();
    stacks_.check(fiber.stack, fiber.execution.stack_pointer(),
                  ended ? StackPool::Use::kHasEnded : StackPool::Use::kGoesOn, fiber.user);
    if (ended) {
      fiber.end();
      return true;
    }
    if (fiber.yields) {
      queue_.push(fiber);
      return false;
    }
    parked_.fetch_add(1);  // before, because who wakes it counts it down
    if (fiber.begin_to_wait()) return false;
    parked_.fetch_sub(1);
  }
}

Fiber& FiberPool::take_free() {
  const Stack stack = stacks_.acquire();
  const std::lock_guard lock(free_mutex_);
  if (free_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>(*this));
    free_.push_back(fibers_.back().get());
  }
  Fiber& fiber = *free_.back();
  free_.pop_back();
  fiber.stack = stack;
  return fiber;
}

void FiberPool::put_free(Fiber& fiber) {
  stacks_.release(std::exchange(fiber.stack, {}));
  const std::lock_guard lock(free_mutex_);
  free_.push_back(&fiber);
}

void FiberPool::leave_one() {
  if (existing_.fetch_sub(1) == 1 && stopping_) queue_.close();
}

void FiberPool::enter(void* argument) noexcept {
  const std::function<void()> body = std::move(static_cast<Fiber*>(argument)->body);
  body();
}

}  // namespace kvmesh::tasks
