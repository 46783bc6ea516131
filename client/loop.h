#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <kvmesh/client.h>
#include <zmq.hpp>

#include "client/client_keys.h"
#include "client/endpoints.h"
#include "client/submissions.h"
#include "common/deadline.h"
#include "common/in_flight.h"
#include "common/transport/link.h"

namespace kvmesh {

/// The client's thread and what it owns: the links, the calls that wait to be sent and those that
/// were. A pass takes what callers pushed, handles what arrived, sends what fits and sleeps when
/// nothing is left.
/// Invariant: every call is in exactly one of submissions_, later_, waiting_ and in_flight_ until
/// it ends, once. The methods of the first block are thread-safe; all else belongs to the thread.
class Client::Loop final : private transport::LinkEvents {
 public:
  static Result<std::unique_ptr<Loop>> start(Options options);
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Checks and encodes on the caller's thread, then hands over.
  void submit(const Operation& operation, Timeout timeout, Callback done);
  /// The same after a pause; the timeout counts from its end.
  void submit_after(std::chrono::milliseconds pause, const Operation& operation, Timeout timeout,
                    Callback done);
  /// All at once; `done_for(i)` is the callback of the i-th.
  template <typename DoneFor>
  void submit(std::span<const Operation> operations, Timeout timeout, DoneFor&& done_for) {
    std::vector<client::Submission> batch;
    batch.reserve(operations.size());
    for (std::size_t i = 0; i < operations.size(); ++i) {
      batch.push_back(prepare(operations[i], timeout, done_for(i)));
    }
    submissions_.push(std::move(batch));
  }
  Status wait_connected(Timeout timeout);
  std::string connected_endpoint();
  /// True in a callback, where nothing may block.
  bool is_own_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  struct Sent {
    Callback done;
    TimePoint made;
  };

  Loop(Options options, const std::optional<client::ClientKeys>& keys);
  client::Submission prepare(const Operation& operation, Timeout timeout, Callback done);

  void run();
  bool take_submissions();
  void begin(client::Submission call);
  void begin_due(TimePoint now);
  void send_waiting();
  bool has_room(std::size_t bytes) const;
  void tick();
  void expire();
  Status overdue(const client::Submission& waiting) const;
  void sleep();
  void end_all();
  void end(Callback& done, Outcome outcome);
  void fail(Callback& done, Status status) { end(done, {std::move(status), {}, {}}); }
  static void deliver(Callback& done, Outcome outcome);
  void publish(bool up);
  void give_up(const transport::Link& link, const std::string& why);
  bool is_up() const { return endpoints_.is_up(); }
  std::chrono::milliseconds patience() const;

  void on_up(transport::Link& link, const wire::Welcome& welcome) override;
  void on_reply(transport::Link& link, const ReplyView& reply) override;
  void on_draining(transport::Link& link, const std::string& why) override;
  void on_expired(transport::Link& link, RequestId id) override;
  void on_unsent(transport::Link& link, RequestId id) override;
  void on_down(transport::Link& link, const std::string& why) override;

  const Options options_;
  client::Submissions submissions_;
  std::atomic<std::uint32_t> under_way_{0};

  std::mutex connection_mutex_;  // of the four below
  std::condition_variable connection_changed_;
  bool connected_ = false;
  std::string connected_to_;       // an endpoint
  std::string why_not_connected_;  // as of the last tick
  std::optional<TimePoint> all_refused_since_;

  zmq::context_t context_{1};
  TimePoint now_;
  TimePoint next_tick_{};
  TimePoint down_since_;
  std::vector<std::string> nodes_;  // who answered the greeting, by endpoint
  std::uint64_t window_requests_ = 0;
  std::uint64_t window_bytes_ = 0;
  std::vector<client::Submission> taken_;
  std::multimap<TimePoint, client::Submission> later_;  // by the end of their pause
  std::deque<client::Submission> waiting_;              // to be sent, in this order
  InFlight<Sent> in_flight_;
  client::Endpoints endpoints_;
  std::vector<pollfd> watched_;
  std::thread thread_;
};

}  // namespace kvmesh
