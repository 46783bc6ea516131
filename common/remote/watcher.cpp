#include <kvmesh/watcher.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <string>
#include <utility>

#include <kvmesh/mesh.h>

#include "common/deadline.h"
#include "common/remote/bucket_watch.h"
#include "common/remote/connection.h"

namespace kvmesh {
namespace {

using std::chrono::milliseconds;

// For the way there and back of a request, and for what it does besides waiting.
constexpr milliseconds kWayMin{1000};

}  // namespace

struct Watcher::State {
  Mesh& mesh;
  remote::BucketWatch watch;
  std::deque<WatchNews> news{};
  TimePoint next_attempt{};
};

Watcher::Watcher(Mesh& mesh, std::string bucket, WatchOptions options)
    : state_(new State{mesh, {std::move(bucket), std::move(options)}}) {}
Watcher::~Watcher() = default;
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;

Result<WatchNews> Watcher::next(Timeout timeout) {
  auto& [mesh, watch, news, next_attempt] = *state_;
  const auto time = std::clamp(timeout.duration, milliseconds{0}, limits::kTimeoutMax);
  const auto until = mesh.connection_->now() + time;
  Status trouble;
  bool has_asked = false;
  while (news.empty()) {
    auto now = mesh.connection_->now();
    if (now < next_attempt) {
      const auto pause = std::chrono::ceil<milliseconds>(std::min(next_attempt, until) - now);
      if (!mesh.pause(pause)) return Status{StatusCode::kCancelled, "the task is told to stop"};
      now = mesh.connection_->now();
    }
    if ((has_asked && now >= until) || now < next_attempt) break;
    has_asked = true;
    const auto left = std::chrono::floor<milliseconds>(std::max(until, now) - now);
    auto [operation, wait] = watch.next(left);
    const auto way = std::clamp(left - wait, kWayMin, limits::kTimeoutDefault);
    auto told = watch.take(mesh.ask(std::move(operation), wait + way));
    next_attempt = mesh.connection_->now() + told.pause;
    if (told.is_over) return std::move(told.trouble);
    trouble = std::move(told.trouble);
    std::ranges::move(told.news, std::back_inserter(news));
  }
  if (news.empty()) {
    return Status{StatusCode::kDeadlineExceeded,
                  "no news came within " + std::to_string(time.count()) + " ms" +
                      (trouble.ok() ? "" : "; the last attempt: " + trouble.to_string())};
  }
  WatchNews out = std::move(news.front());
  news.pop_front();
  return out;
}

}  // namespace kvmesh
