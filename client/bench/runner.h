#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "client/bench/channel.h"
#include "client/bench/histogram.h"
#include "client/bench/workload.h"
#include "common/deadline.h"

namespace kvmesh::bench {

/// How hard and how long.
struct Pace {
  std::uint32_t depth = 1;                   // unanswered requests of a connection, at most
  std::optional<double> rate;                // a second, over all connections: open loop
  std::chrono::milliseconds warmup{0};       // not counted
  std::chrono::milliseconds duration{5000};  // counted
  std::optional<std::uint64_t> count;        // end after so many instead; no warmup then
  std::chrono::milliseconds silence_max{
      10'000};              // without any reply on any channel: some are missing
  bool keep_going = false;  // requests that fail are counted, and those whose replies are missing
};

/// What was measured. There is none unless every request got its right reply, but with
/// Pace::keep_going.
struct Measured {
  std::uint64_t operations = 0;                       // that got their right reply
  std::map<StatusCode, std::uint64_t> failed{};       // the others, with their codes
  std::map<StatusCode, std::uint64_t> load_failed{};  // while buckets and keys were made
  std::uint64_t missing_keys = 0;                     // of gets
  std::uint64_t checked = 0;                          // values that were compared byte by byte
  std::chrono::nanoseconds elapsed{0};
  Histogram latency;             // nanoseconds
  double processor_seconds = 0;  // of this process, the system's on its behalf included
  std::uint64_t missing = 0;     // of `failed` and `load_failed`: no reply came within the patience
};

/// Puts a load on some channels. Closed loop: each channel has `depth` requests under way, and each
/// reply sends the next; a latency is from sending to reply. Open loop (`rate`): every request has
/// a time at which it should leave, whatever became of those before, and its latency counts from
/// that time, so that a stall is charged to all who would have come meanwhile ("coordinated
/// omission"). One thread.
class Runner final : private ReplySink {
 public:
  /// Told now and then while it runs.
  struct Progress {
    std::string_view phase;
    std::uint64_t operations = 0;
    std::chrono::nanoseconds elapsed{0};
    const Histogram* latency = nullptr;  // since the last call
  };
  using OnProgress = std::function<void(const Progress&)>;

  Runner(std::vector<std::unique_ptr<Channel>> channels, Workload workload, OnProgress on_progress);
  ~Runner() override;

  /// Connects all channels.
  Status open();
  /// Creates the buckets.
  Status create(bool keep_going);
  /// Puts every key once. With `keep_going` a request of create() and load() may fail; then it is
  /// in Measured::load_failed, and keys may be missing later.
  Status load(bool keep_going);
  /// Removes the buckets, where they are.
  Status drop();
  /// With Pace::keep_going it ends early when replies are missing; it has nothing to measure when
  /// create() or load() ended so. REQUIRES: open().
  Result<Measured> run(const Pace& pace);

 private:
  struct Request {
    Operation::Kind kind = Operation::Kind::kGet;
    std::uint64_t number = 0;
    TimePoint intended;
  };
  struct Lane {
    std::unique_ptr<Channel> channel;
    std::vector<Request> requests;    // by tag
    std::vector<std::uint32_t> free;  // tags
    std::deque<TimePoint> overdue;    // should have left at these times; open loop
    bool dirty = false;
  };
  using Next = std::function<std::optional<Operation>()>;

  void on_reply(const Reply& reply) override;
  Status check(const Request& request, const Reply& reply);
  void count_load_failures();
  Status drive(std::string_view phase, const Pace& pace, const Next& next);
  bool submit(Lane& lane, TimePoint intended);
  void submit_due(TimePoint now);
  Status flush();
  Status wait(TimePoint now);
  Status receive(Lane& lane);
  Status tick(TimePoint now);
  void mark_dirty(Lane& lane);
  void begin_counting(TimePoint now);
  void finish();
  Status expect_nothing();
  void give_up(TimePoint now);

  std::vector<Lane> lanes_;
  Workload workload_;
  OnProgress on_progress_;
  int epoll_ = -1;

  // Of one drive().
  Pace pace_;
  Next next_;
  std::string_view phase_;
  Lane* receiving_ = nullptr;
  Status fault_;
  TimePoint now_;
  TimePoint began_;
  TimePoint counting_from_;
  TimePoint end_;
  TimePoint last_reply_;
  TimePoint next_tick_;
  TimePoint next_progress_;
  std::vector<Lane*> dirty_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t scheduled_ = 0;  // open loop: how many should have left by now
  std::uint64_t overdue_ = 0;    // of those, not sent yet
  bool exhausted_ = false;       // nothing more is sent
  bool counting_ = false;
  bool clock_read_ = false;     // now_ is that of the piece that is being received
  bool loaded_ = false;         // every key was put: none may be missing
  std::uint64_t given_up_ = 0;  // replies; nothing is sent any more then, for they may still come
  double processor_before_ = 0;
  Measured measured_;
  std::map<StatusCode, std::uint64_t> load_failed_;
  Histogram recent_;
};

}  // namespace kvmesh::bench
