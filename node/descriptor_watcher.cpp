#include "node/descriptor_watcher.h"

#include <utility>

#include <spdlog/spdlog.h>
#include <asio/posix/stream_descriptor.hpp>

namespace kvmesh {

class DescriptorWatcher::Watched : public std::enable_shared_from_this<Watched> {
 public:
  Watched(DescriptorWatcher& owner, int fd, std::function<void()> readable)
      : owner_(owner), descriptor_(owner.loop_), readable_(std::move(readable)) {
    asio::error_code error;
    descriptor_.assign(fd, error);
    if (!error) return;
    stopped_ = true;
    spdlog::error("descriptor {} cannot be watched ({}); it is looked at every few milliseconds",
                  fd, error.message());
  }

  void arm() {
    if (stopped_) return;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](asio::error_code error) {
                             if (error || self->stopped_) return;
                             self->readable_();
                             self->owner_.fired_.push_back(self);
                           });
  }
  void stop() {
    stopped_ = true;
    if (descriptor_.is_open()) (void)descriptor_.release();
  }

 private:
  DescriptorWatcher& owner_;
  asio::posix::stream_descriptor descriptor_;
  std::function<void()> readable_;
  bool stopped_ = false;
};

void DescriptorWatcher::watch(int fd, std::function<void()> readable) {
  auto watched = std::make_shared<Watched>(*this, fd, std::move(readable));
  watched->arm();
  watched_[fd] = std::move(watched);
}

void DescriptorWatcher::unwatch(int fd) {
  const auto found = watched_.find(fd);
  if (found == watched_.end()) return;
  found->second->stop();
  watched_.erase(found);
}

void DescriptorWatcher::unwatch_all() {
  for (const auto& [fd, watched] : watched_) watched->stop();
  watched_.clear();
  fired_.clear();
}

void DescriptorWatcher::arm_fired() {
  for (const auto& watched : fired_) watched->arm();
  fired_.clear();
}

}  // namespace kvmesh
