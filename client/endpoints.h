#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/status.h>
#include <zmq.hpp>

#include "common/deadline.h"
#include "common/transport/link.h"

namespace kvmesh::client {

/// Leaves each endpoint once. kInvalidArgument when there is none, or one that cannot be connected
/// to, with what is wrong.
Status check_endpoints(std::vector<std::string>& endpoints);

/// The endpoints of a client, with a link to each, of which one is current: requests are sent over
/// that one only. When its connection ends, cannot be made or takes no more requests, the next one
/// in their order is tried, and after the last the first. Each link pauses after an attempt that
/// failed, so a pause comes only when all were tried.
/// Invariant: a link that is not current is idle, or its node stops and still owes replies.
/// Owned by one thread.
class Endpoints {
 public:
  /// A link for each of `options`. `context` and `events` must outlive this. REQUIRES: there is at
  /// least one.
  Endpoints(zmq::context_t& context, std::vector<transport::Link::Options> options,
            transport::LinkEvents& events);

  std::size_t size() const { return links_.size(); }
  transport::Link& current() { return *links_[current_].link; }
  const transport::Link& current() const { return *links_[current_].link; }
  std::size_t current_index() const { return current_; }
  std::size_t index_of(const transport::Link& link) const;
  bool is_up() const { return current().state() == transport::Link::State::kUp; }
  /// Whether the current endpoint is being connected to or is connected.
  bool is_trying() const { return current().state() != transport::Link::State::kWaiting; }

  /// As Link's methods of these names, for all links that are in use.
  void tick(TimePoint now);
  void notice_frames();
  bool receive(TimePoint now, int frames_max);
  bool is_ready();
  /// Appends the descriptors to watch, and takes what became of them.
  void watch(std::vector<pollfd>& watched);
  void notice(const std::vector<pollfd>& watched);

  /// Ends all connections, as Link::end().
  void end(const std::string& why);

  /// The current link is up.
  void connected();
  /// The link has no connection or, as its node stops, takes no more requests. True when it is the
  /// current one; then the next tick() tries the next endpoint.
  bool leave(const transport::Link& link, const std::string& why, TimePoint now);

  /// When each endpoint had refused a connection last (nobody listens there, or the keys do not go
  /// together), the earliest of these times; empty: one of them has not, or did otherwise since.
  std::optional<TimePoint> all_refused_since() const;
  /// Each endpoint with the reason why there is no connection to it.
  std::string why_unreachable() const;

 private:
  struct Entry {
    std::unique_ptr<transport::Link> link;
    std::optional<TimePoint> refused{};  // that is why
    std::string why;  // there is none; empty: not tried yet, or being tried for the first time
  };
  struct Watched {
    transport::Link* link;
    std::size_t place;  // of its two descriptors
  };
  static bool is_idle(const Entry& entry) {
    return entry.link->state() == transport::Link::State::kWaiting;
  }
  static std::string why_not(const Entry& entry);

  std::vector<Entry> links_;
  std::size_t current_ = 0;
  bool is_left_ = false;  // the next one is to be tried
  std::vector<Watched> watched_;
};

}  // namespace kvmesh::client
