#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/deadline.h"
#include "common/names.h"
#include "common/request.h"
#include "common/wire/record.h"

namespace kvmesh::core {

/// Where a request came from, and so where its reply goes. Only the adapter that made it reads it.
struct Origin {
  std::uint32_t adapter = 0;  // which adapter
  std::uint64_t connection =
      0;              // which of its connections; never used again after that connection's end
  RequestId request;  // the requester's own id or place in line
};

/// What the core asks of its shell. The calls come from inside the core's inputs, on the same
/// thread; the views live until the call returns, and the shell must not call the core from inside,
/// Core::on_sent() excepted.
class Effects {
 public:
  Effects() = default;
  Effects(const Effects&) = delete;
  Effects& operator=(const Effects&) = delete;
  virtual ~Effects() = default;

  /// Sends `request` to a peer that is up, under `id`, with `step` after its path and with what is
  /// left until `deadline` when it leaves. When nothing is left by then it must not leave, and
  /// Core::on_expired() is told.
  virtual void forward(PeerIndex peer, const RequestView& request, RequestId id, TimePoint deadline,
                       const wire::PathStep& step) = 0;

  /// What the shell has not got rid of yet of all that it was told to forward to that peer.
  struct Unsent {
    std::size_t requests = 0;
    std::size_t bytes = 0;
  };
  virtual Unsent unsent(PeerIndex peer) {
    (void)peer;
    return {};
  }

  /// Answers a request; exactly once for each on_request(). `reply.id` is the origin's own.
  virtual void reply(const Origin& origin, const ReplyView& reply) = 0;

  /// A line for the log about a request of `origin`, which is answered next (SlowRequests).
  virtual void slow_request(const Origin& origin, const std::string& line) {
    (void)origin;
    (void)line;
  }
  /// So many such lines were left out.
  virtual void slow_requests_left_out(std::uint64_t count) { (void)count; }

  /// A request of `origin` was refused, as its asker may not have that (kDenied), or is executed
  /// next and administers this node: for the audit log.
  virtual void denied(const Origin& origin, const RequestView& request) {
    (void)origin;
    (void)request;
  }
  virtual void administered(const Origin& origin, const RequestView& request) {
    (void)origin;
    (void)request;
  }

  /// The time now, finer than the inputs' own; asked for traced requests only.
  virtual TimePoint clock() = 0;
};

}  // namespace kvmesh::core
