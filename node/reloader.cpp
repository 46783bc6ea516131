#include "node/reloader.h"

#include <string>
#include <system_error>
#include <utility>

#include <asio/post.hpp>

namespace kvmesh {

Reloader::~Reloader() {
  if (!thread_) return;
  thread_->stop();
  thread_->join();
}

Status Reloader::ask(Done done) {
  const std::scoped_lock lock{mutex_};
  if (!thread_) {
    try {
      thread_.emplace(1);
    } catch (const std::system_error& error) {
      return {StatusCode::kUnavailable,
              std::string{"cannot start a thread that reads the configuration: "} + error.what()};
    }
  }
  waiting_.push_back(std::move(done));
  if (waiting_.size() == 1) asio::post(*thread_, [this] { run(); });
  return {};
}

void Reloader::run() {
  std::vector<Done> waiting;
  {
    const std::scoped_lock lock{mutex_};
    waiting.swap(waiting_);
  }
  const auto report = reload_();
  for (const auto& done : waiting) done(report);
}

}  // namespace kvmesh
