#include "node/tasks/execution.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kvmesh::tasks {

std::stop_token Execution::stop_token() {
  const std::lock_guard lock{mutex_};
  if (!stop_source_.stop_possible()) {
    stop_source_ = std::stop_source{};
    if (is_stopped()) stop_source_.request_stop();
  }
  return stop_source_.get_token();
}

bool Execution::has_delivery() const {
  const std::lock_guard lock{mutex_};
  return delivered_.has_value();
}

bool Execution::begin() {
  auto queued = Start::kQueued;
  const bool late = body_.deadline <= std::chrono::steady_clock::now();
  if (!start_.compare_exchange_strong(queued, late ? Start::kLate : Start::kBegun) || late) {
    return false;
  }
  if (body_.traced) shared_.events.push(Began{*body_.traced, std::chrono::steady_clock::now()});
  FiberPool::set_user({body_.name(), shared_.node, id_, body_.from});
  const std::lock_guard lock{mutex_};
  fiber_ = FiberPool::current();
  return true;
}

void Execution::set_handler(std::string_view handler, std::string_view from) {
  FiberPool::set_user({body_.name(), shared_.node, id_, from, handler});
}

// The names of functions and of the node outlive the fiber.
void Execution::end() { FiberPool::set_user({body_.name(), shared_.node, id_, {}}); }

void Execution::park() {
  parked_.store(true, std::memory_order_relaxed);
  FiberPool::park();
  parked_.store(false, std::memory_order_relaxed);
}

Delivery Execution::receive(std::optional<TimePoint> until) {
  if (is_stopped()) return {};
  shared_.events.push(Waits{id_, until});
  return wait_for_delivery();
}

Delivery Execution::receive_after(Status status, std::string result, std::optional<Began> call) {
  shared_.events.push(Handled{id_, std::move(status), std::move(result), call});
  return wait_for_delivery();
}

// What the reactor has for the fiber, which waits for it; `abandoned` when no reactor is left.
template <typename T>
T Execution::wait_for(std::optional<T>& place, T abandoned) {
  for (;;) {
    {
      const std::lock_guard lock{mutex_};
      if (place) return *std::exchange(place, std::nullopt);
      if (abandoned_) return abandoned;
    }
    park();
  }
}

template <typename T>
void Execution::hand_over(std::optional<T>& place, T what) {
  FiberRef fiber;
  {
    const std::lock_guard lock{mutex_};
    place = std::move(what);
    fiber = fiber_;
  }
  FiberPool::unpark(fiber);
}

// Also when it is stopped a delivery comes: each wait is ended by one.
Delivery Execution::wait_for_delivery() { return wait_for(delivered_, Delivery{}); }

void Execution::deliver(Delivery delivery) { hand_over(delivered_, std::move(delivery)); }

// The fiber may have been woken already: it finds nothing, and waits again.
bool Execution::take_back() {
  const std::lock_guard lock{mutex_};
  return std::exchange(delivered_, std::nullopt).has_value();
}

// With the lock held, so that the order of events is that of the output. How much of it fitted.
std::size_t Execution::put(Stream stream, std::string_view bytes) {
  const auto fits = std::min(credit_, bytes.size());
  if (fits == 0) return 0;
  credit_ -= fits;
  shared_.events.push(Wrote{id_, stream, std::string{bytes.substr(0, fits)}});
  return fits;
}

void Execution::write(Stream stream, std::string_view bytes) {
  for (;;) {
    {
      const std::lock_guard lock{mutex_};
      if (passing_.empty()) bytes.remove_prefix(put(stream, bytes));
      wants_credit_ = !bytes.empty() && !is_stopped();
      if (!wants_credit_) return;
    }
    park();
  }
}

void Execution::pass_on(std::vector<OutputChunk> chunks, std::function<void()> taken) {
  std::vector<std::function<void()>> done;
  {
    const std::lock_guard lock{mutex_};
    passing_.push_back({std::move(chunks), 0, 0, std::move(taken)});
    done = pass_on_waiting();
  }
  for (const auto& call : done) call();
}

// With the lock held; what it returns is to be called without.
std::vector<std::function<void()>> Execution::pass_on_waiting() {
  std::vector<std::function<void()>> done;
  while (!passing_.empty()) {
    auto& first = passing_.front();
    while (first.next < first.chunks.size()) {
      const auto& chunk = first.chunks[first.next];
      const auto rest = std::string_view{chunk.bytes}.substr(first.at);
      const auto fitted = put(static_cast<Stream>(chunk.stream), rest);
      if (fitted < rest.size()) {
        first.at += fitted;
        return done;
      }
      ++first.next;
      first.at = 0;
    }
    done.push_back(std::move(first.taken));
    passing_.pop_front();
  }
  return done;
}

void Execution::give_credit(std::size_t bytes) {
  FiberRef fiber;
  std::vector<std::function<void()>> done;
  {
    const std::lock_guard lock{mutex_};
    credit_ += bytes;
    done = pass_on_waiting();
    if (wants_credit_) fiber = fiber_;
  }
  for (const auto& call : done) call();
  FiberPool::unpark(fiber);
}

Status Execution::set_timer(std::chrono::milliseconds after, std::string body) {
  shared_.events.push(WantsTimer{id_, after, std::move(body)});
  return wait_for(timer_, Status{StatusCode::kUnavailable, "the node has stopped"});
}

void Execution::answer_timer(Status status) { hand_over(timer_, std::move(status)); }

bool Execution::forestall() {
  auto queued = Start::kQueued;
  if (start_.compare_exchange_strong(queued, Start::kForestalled)) return true;
  auto late = Start::kLate;
  return start_.compare_exchange_strong(late, Start::kForestalled);
}

void Execution::stop() { end_waits(false); }
void Execution::abandon() { end_waits(true); }

void Execution::end_waits(bool abandoned) {
  FiberRef fiber;
  std::stop_source source{std::nostopstate};
  {
    const std::lock_guard lock{mutex_};
    stopped_.store(true, std::memory_order_release);
    abandoned_ = abandoned_ || abandoned;
    source = stop_source_;
    fiber = fiber_;
  }
  source.request_stop();  // runs callbacks of the user's, so not with the lock held
  FiberPool::unpark(fiber);
}

}  // namespace kvmesh::tasks
