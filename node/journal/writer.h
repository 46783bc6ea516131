#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "node/journal/database.h"
#include "node/journal/failure.h"
#include "node/journal/journal.h"
#include "node/journal/marker.h"
#include "node/journal/staging.h"

namespace kvmesh::journal {

// The threads of a journal. One writes groups, another one syncs each second what needs it then:
// the marker and, with kEverySecond, the log. Everything given to the constructor must outlive it.
class Writer {
 public:
  Writer(Staging& staging, Database& database, Marker& marker, Failure& failure,
         const Options& options, std::function<void()> on_change);
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Sequence durable() const { return durable_.load(std::memory_order_acquire); }
  Statistics statistics() const;
  /// REQUIRES: the staging is closed. Writes what is left, syncs it, ends the threads. A second
  /// call does nothing.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void write_groups();
  void write_group(const std::vector<Chunk>& group);
  void run_ticks();
  void tick();
  Status sync_log();
  void note_sync(Clock::duration took);
  void measure();

  Staging& staging_;
  Database& database_;
  Marker& marker_;
  Failure& failure_;
  const Durability durability_;
  const std::size_t group_bytes_max_;
  const std::chrono::milliseconds sync_interval_;
  const std::function<void()> on_change_;

  std::atomic<Sequence> durable_{0};
  GroupRecord last_;  // of the thread that writes

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  Durable written_;
  std::optional<Clock::time_point> unsynced_since_;  // kEverySecond: the oldest that is written
  std::optional<Clock::time_point> syncing_since_;
  Statistics statistics_;
  bool stopping_ = false;

  std::condition_variable stop_;
  std::thread groups_;
  std::thread ticks_;
};

}  // namespace kvmesh::journal
