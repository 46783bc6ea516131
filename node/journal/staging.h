#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "node/journal/change.h"

namespace kvmesh::journal {

// A piece of the arena: whole appends, one after the other.
struct Chunk {
  std::unique_ptr<char[]> bytes;  // NOLINT(modernize-avoid-c-arrays): memory that nobody fills
  std::size_t room = 0;
  std::size_t used = 0;
  std::uint64_t appends = 0;
  Sequence last = 0;
  std::uint64_t revision = 0;  // the highest
  BucketId bucket = 0;         // the same
  std::chrono::steady_clock::time_point began{};

  std::string_view content() const { return {bytes.get(), used}; }
};

// What was appended and is not written yet. Memory is bounded by reservations: of `queued` bytes,
// some are reserved, some are staged, some are being written. Any thread appends; one thread, the
// writer, takes. A short lock, under which nothing but copying happens.
class Staging {
 public:
  explicit Staging(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// False: it would pass the bound; nothing was reserved.
  bool reserve(std::size_t bytes);
  void give_back(std::size_t bytes);
  std::size_t queued() const { return queued_.load(std::memory_order_relaxed); }

  /// REQUIRES: `bytes`, the size of all the changes, is reserved.
  Sequence append(std::span<const Change> changes, std::size_t bytes, std::uint64_t revision);
  /// After appending: wakes the writer if it sleeps. Apart, so that nobody wakes it under a lock.
  void wake();

  /// The writer: waits until something is there, and moves the oldest chunks to `group`, at least
  /// one, and no more when they have reached `group_bytes_max`. False: closed, and all was taken.
  bool take(std::size_t group_bytes_max, std::vector<Chunk>& group);
  /// The writer: it is done with these. Their room is free.
  void recycle(std::vector<Chunk>& group);
  /// Nothing is appended any more; take() gives the rest, and then returns.
  void close();
  /// When the oldest was appended that is staged or taken; the clock's epoch: there is nothing.
  std::chrono::steady_clock::time_point oldest() const;

 private:
  Chunk& chunk_for(std::size_t bytes);

  const std::size_t bytes_max_;
  std::atomic<std::size_t> queued_{0};
  std::atomic<bool> sleeping_{false};
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  // Guarded by mutex_:
  Sequence last_ = 0;
  bool closed_ = false;
  std::chrono::steady_clock::time_point taken_{};  // the oldest that is not recycled
  std::vector<Chunk> staged_;
  std::vector<Chunk> spare_;
};

}  // namespace kvmesh::journal
