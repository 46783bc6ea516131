#include "node/stream/ready_set.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace kvmesh::stream {

ReadySet::ReadySet() : descriptor_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (descriptor_ < 0) {
    throw std::system_error{errno, std::generic_category(),
                            "cannot make an epoll set for the connections"};
  }
}

ReadySet::~ReadySet() { (void)::close(descriptor_); }

Status ReadySet::add(int socket, std::uint64_t id) {
  epoll_event event{};
  // EPOLLOUT costs nothing: it comes when a full buffer has room again.
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = id;
  if (::epoll_ctl(descriptor_, EPOLL_CTL_ADD, socket, &event) == 0) return {};
  const std::string advice = errno == ENOSPC ? "; raise fs.epoll.max_user_watches (sysctl)" : "";
  return {StatusCode::kUnavailable, std::generic_category().message(errno) + advice};
}

bool ReadySet::look() {
  if (next_ < count_) return true;
  if (!noticed_) return false;
  const int count = ::epoll_wait(descriptor_, found_.data(), static_cast<int>(found_.size()), 0);
  if (count < 0 && errno != EINTR) std::abort();  // the descriptor is not ours any more
  next_ = 0;
  count_ = count < 0 ? 0 : static_cast<std::size_t>(count);
  noticed_ = count < 0 || count_ == found_.size();
  return count_ > 0;
}

std::optional<ReadySet::Ready> ReadySet::next() {
  if (next_ == count_) return std::nullopt;
  const auto& found = found_[next_++];
  return Ready{found.data.u64, found.events};
}

}  // namespace kvmesh::stream
