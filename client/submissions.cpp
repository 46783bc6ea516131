#include "client/submissions.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iterator>
#include <system_error>
#include <utility>

namespace kvmesh::client {

Status Submissions::open() {
  fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd_ >= 0) return {};
  return {StatusCode::kInternal, "no eventfd: " + std::system_category().message(errno)};
}

Submissions::~Submissions() {
  if (fd_ >= 0) close(fd_);
}

void Submissions::push(Submission submission) {
  bool sleeper = false;
  {
    const std::lock_guard lock{mutex_};
    pushed_.push_back(std::move(submission));
    sleeper = std::exchange(asleep_, false);
  }
  if (sleeper) wake();
}

void Submissions::push(std::vector<Submission> batch) {
  bool sleeper = false;
  {
    const std::lock_guard lock{mutex_};
    std::move(batch.begin(), batch.end(), std::back_inserter(pushed_));
    sleeper = std::exchange(asleep_, false);
  }
  if (sleeper) wake();
}

void Submissions::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
  }
  wake();
}

bool Submissions::take(std::vector<Submission>& out) {
  out.clear();
  const std::lock_guard lock{mutex_};
  asleep_ = false;
  out.swap(pushed_);
  return !stopped_;
}

bool Submissions::may_sleep() {
  const std::lock_guard lock{mutex_};
  asleep_ = pushed_.empty() && !stopped_;
  return asleep_;
}

// Neither can fail in a way that matters: a full counter is readable, and an empty one needs no
// reading.
void Submissions::wake() const {
  const std::uint64_t one = 1;
  (void)!write(fd_, &one, sizeof one);
}
void Submissions::awake() const {
  std::uint64_t count = 0;
  (void)!read(fd_, &count, sizeof count);
}

}  // namespace kvmesh::client
