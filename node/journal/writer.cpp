#include "node/journal/writer.h"

#include <algorithm>
#include <utility>

#include "common/signals_blocked.h"

namespace kvmesh::journal {
namespace {

template <typename Unit, typename Duration>
Unit in(Duration duration) {
  return std::chrono::duration_cast<Unit>(duration);
}

}  // namespace

Writer::Writer(Staging& staging, Database& database, Marker& marker, Failure& failure,
               const Options& options, std::function<void()> on_change)
    : staging_(staging),
      database_(database),
      marker_(marker),
      failure_(failure),
      durability_(options.durability),
      group_bytes_max_(options.group_bytes_max),
      sync_interval_(options.sync_interval),
      on_change_(std::move(on_change)),
      last_(database.group()),
      written_{last_.number, database.sequence()} {
  statistics_.groups = last_.number;
  measure();
  const SignalsBlocked blocked;
  groups_ = std::thread{[this] { write_groups(); }};
  ticks_ = std::thread{[this] { run_ticks(); }};
}

void Writer::write_groups() {
  for (std::vector<Chunk> group; staging_.take(group_bytes_max_, group); staging_.recycle(group)) {
    if (!failure_.is_set()) write_group(group);
  }
}

void Writer::write_group(const std::vector<Chunk>& group) {
  ++last_.number;
  std::uint64_t operations = 0;
  std::uint64_t bytes = 0;
  for (const auto& chunk : group) {
    database_.add(chunk);
    last_.revision = std::max(last_.revision, chunk.revision);
    last_.bucket = std::max(last_.bucket, chunk.bucket);
    operations += chunk.appends;
    bytes += chunk.used;
  }
  const bool sync = durability_ == Durability::kAlways;
  if (!sync) {
    const std::lock_guard lock{mutex_};
    if (!unsynced_since_) unsynced_since_ = group.front().began;
  }
  const auto began = Clock::now();
  auto status = database_.write(last_, sync);
  const auto took = Clock::now() - began;
  const Durable written{last_.number, database_.sequence()};
  if (status.ok() && sync) status = marker_.note(written);
  if (!status.ok()) return failure_.set(status.text());
  {
    const std::lock_guard lock{mutex_};
    written_ = written;
    statistics_.groups = last_.number;
    statistics_.last_group_operations = operations;
    statistics_.last_group_bytes = bytes;
    if (sync) {
      note_sync(took);
    } else if (!unsynced_since_) {
      unsynced_since_ = group.front().began;  // a sync came between, and may not have seen it
    }
  }
  durable_.store(group.back().last, std::memory_order_release);
  if (on_change_) on_change_();
}

void Writer::note_sync(Clock::duration took) {
  statistics_.last_sync = in<std::chrono::microseconds>(took);
  statistics_.longest_sync = std::max(statistics_.longest_sync, statistics_.last_sync);
}

void Writer::run_ticks() {
  std::unique_lock lock{mutex_};
  while (!stop_.wait_for(lock, sync_interval_, [this] { return stopping_; })) {
    lock.unlock();
    tick();
    lock.lock();
  }
}

void Writer::tick() {
  if (failure_.is_set()) return;
  auto status = durability_ == Durability::kEverySecond ? sync_log() : Status{};
  if (status.ok()) status = marker_.sync();
  if (!status.ok()) failure_.set(status.text());
  measure();
}

// Apart from those who ask, as it reads the folder.
void Writer::measure() {
  const auto bytes = database_.bytes_on_disk();
  const std::lock_guard lock{mutex_};
  statistics_.bytes_on_disk = bytes;
}

Status Writer::sync_log() {
  Durable target;
  {
    const std::lock_guard lock{mutex_};
    if (!unsynced_since_) return {};
    target = written_;
    syncing_since_ = std::exchange(unsynced_since_, std::nullopt);
  }
  const auto began = Clock::now();
  if (auto status = database_.sync(); !status.ok()) return status;
  const auto took = Clock::now() - began;
  {
    const std::lock_guard lock{mutex_};
    syncing_since_.reset();
    note_sync(took);
  }
  return marker_.note(target);
}

Statistics Writer::statistics() const {
  const auto staged = staging_.oldest();
  const auto now = Clock::now();
  const std::lock_guard lock{mutex_};
  auto result = statistics_;
  result.queued_bytes = staging_.queued();
  auto oldest = staged == Clock::time_point{} ? now : staged;
  if (unsynced_since_) oldest = std::min(oldest, *unsynced_since_);
  if (syncing_since_) oldest = std::min(oldest, *syncing_since_);
  result.oldest_unsynced = std::chrono::ceil<std::chrono::milliseconds>(now - oldest);
  return result;
}

void Writer::stop() {
  if (!groups_.joinable()) return;
  groups_.join();
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  stop_.notify_one();
  ticks_.join();
  tick();
}

}  // namespace kvmesh::journal
