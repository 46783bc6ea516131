#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <kvmesh/status.h>

namespace kvmesh::stream {

/// Which sockets of a server have become readable or writable: an epoll set of its own. The loop
/// watches the set's descriptor alone, so that many ready sockets cost one handler and one call.
/// (Asio reads once more after every read, to learn that there is nothing.) Each change is told
/// once, as an edge; Socket keeps it. Not thread-safe.
class ReadySet {
 public:
  /// Throws std::system_error when this process has no descriptor left.
  ReadySet();
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;
  ~ReadySet();

  /// Readable while there is something that look() has not found.
  int descriptor() const { return descriptor_; }
  /// The descriptor has become readable.
  void notice() { noticed_ = true; }

  /// `socket` is told of as `id` from now on, first of what it is already, until it is closed. What
  /// was found before that may still be told after it: an id must not be used again. kUnavailable
  /// when the kernel refuses.
  Status add(int socket, std::uint64_t id);

  struct Ready {
    std::uint64_t id = 0;
    std::uint32_t events = 0;  // for Socket::note()
  };
  /// Asks the kernel, after a notice and when next() has given all that was found before. So next()
  /// gives each id once between two calls. False when there is nothing to give.
  bool look();
  /// One that has become ready.
  std::optional<Ready> next();
  /// Would look() be true, or ask, without another notice?
  bool has_more() const { return noticed_ || next_ < count_; }

 private:
  int descriptor_;
  bool noticed_ = false;
  std::array<epoll_event, 512> found_;  // NOLINT: filled by look()
  std::size_t count_ = 0;               // of them
  std::size_t next_ = 0;
};

}  // namespace kvmesh::stream
