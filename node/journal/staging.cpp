#include "node/journal/staging.h"

#include <algorithm>
#include <utility>

#include "node/journal/layout.h"

namespace kvmesh::journal {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{256} * 1024;
constexpr std::size_t kSpareMax = 32;  // chunks, 8 MiB

}  // namespace

bool Staging::reserve(std::size_t bytes) {
  const auto before = queued_.fetch_add(bytes, std::memory_order_relaxed);
  if (bytes <= bytes_max_ && before <= bytes_max_ - bytes) return true;
  give_back(bytes);
  return false;
}

void Staging::give_back(std::size_t bytes) { queued_.fetch_sub(bytes, std::memory_order_relaxed); }

Chunk& Staging::chunk_for(std::size_t bytes) {
  if (!staged_.empty() && staged_.back().room - staged_.back().used >= bytes) return staged_.back();
  Chunk chunk;
  if (!spare_.empty() && bytes <= kChunkBytes) {
    chunk = std::move(spare_.back());
    spare_.pop_back();
  } else {
    chunk.room = std::max(bytes, kChunkBytes);
    chunk.bytes.reset(new char[chunk.room]);
  }
  chunk.began = std::chrono::steady_clock::now();
  return staged_.emplace_back(std::move(chunk));
}

Sequence Staging::append(std::span<const Change> changes, std::size_t bytes,
                         std::uint64_t revision) {
  const std::lock_guard lock{mutex_};
  Chunk& chunk = chunk_for(bytes);
  char* to = chunk.bytes.get() + chunk.used;
  for (const auto& change : changes) {
    to = encode(change, to);
    chunk.bucket = std::max(chunk.bucket, change.bucket);
  }
  chunk.used += bytes;
  ++chunk.appends;
  chunk.revision = std::max(chunk.revision, revision);
  return chunk.last = ++last_;
}

void Staging::wake() {
  // The writer says that it sleeps under the lock under which it found nothing. So an append that
  // it did not see came later, and sees what it said.
  if (!sleeping_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock{mutex_};
  filled_.notify_one();
}

bool Staging::take(std::size_t group_bytes_max, std::vector<Chunk>& group) {
  std::unique_lock lock{mutex_};
  sleeping_.store(true, std::memory_order_relaxed);
  filled_.wait(lock, [&] { return !staged_.empty() || closed_; });
  sleeping_.store(false, std::memory_order_relaxed);
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < staged_.size() && bytes < group_bytes_max; ++count) {
    const auto used = staged_[count].used;
    if (count > 0 && bytes + used > group_bytes_max) break;
    bytes += used;
  }
  const auto end = staged_.begin() + static_cast<std::ptrdiff_t>(count);
  group.assign(std::make_move_iterator(staged_.begin()), std::make_move_iterator(end));
  staged_.erase(staged_.begin(), end);
  if (count > 0) taken_ = group.front().began;
  return count > 0;
}

void Staging::recycle(std::vector<Chunk>& group) {
  std::size_t bytes = 0;
  for (const auto& chunk : group) bytes += chunk.used;
  give_back(bytes);
  const std::lock_guard lock{mutex_};
  taken_ = {};
  for (auto& chunk : group) {
    if (chunk.room != kChunkBytes || spare_.size() >= kSpareMax) continue;
    Chunk& spare = spare_.emplace_back();
    spare.bytes = std::move(chunk.bytes);
    spare.room = chunk.room;
  }
}

void Staging::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  filled_.notify_one();
}

std::chrono::steady_clock::time_point Staging::oldest() const {
  const std::lock_guard lock{mutex_};
  if (taken_ != std::chrono::steady_clock::time_point{} || staged_.empty()) return taken_;
  return staged_.front().began;
}

}  // namespace kvmesh::journal
