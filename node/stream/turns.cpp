#include "node/stream/turns.h"

#include <algorithm>
#include <utility>

#include "node/stream/connection.h"

namespace kvmesh::stream {
namespace {

constexpr std::chrono::microseconds kTurnTime{500};
constexpr unsigned kLinesPerLook = 16;  // asking the clock is not free either
// Enough that a pass of its own costs little beside it.
constexpr std::size_t kBytesPerPass = 256 * 1024;
// What is skipped is of no use to anybody: it gets a few hundredths of a processor, and the
// client's own TCP waits. A line of 64 MiB by mistake is still over after a second or two.
constexpr std::size_t kSkippedBytesPerTick = 1024 * 1024;

}  // namespace

void Turns::begin(TimePoint now) {
  until_ = now + kTurnTime;
  over_ = false;
  look_soon_ = false;
  lines_ = 0;
}

bool Turns::is_over() {
  if (over_) return true;
  if (++lines_ % kLinesPerLook != 0 && !look_soon_) return false;
  look_soon_ = false;
  over_ = std::chrono::steady_clock::now() >= until_;
  return over_;
}

std::shared_ptr<Connection> Turns::next(Share& share) {
  while (share.candidates_ > 0 && share.bytes_ < kBytesPerPass && !over_) {
    --share.candidates_;
    auto connection = std::move(waiting_.front());
    waiting_.pop_front();
    if (!connection->is_skipping() || skipped_bytes_ < kSkippedBytesPerTick) return connection;
    held_.push_back(std::move(connection));
  }
  return nullptr;
}

void Turns::Share::spend(std::size_t bytes, bool skipping) {
  bytes_ += bytes;
  if (skipping) turns_.skipped_bytes_ += bytes;
}

void Turns::tick() {
  skipped_bytes_ = 0;
  // No more than can use what there is, however many there are.
  constexpr auto kMost = kSkippedBytesPerTick / Turns::kLargeReadBytes;
  for (auto left = std::min(held_.size(), kMost); left > 0; --left) {
    waiting_.push_back(std::move(held_.front()));
    held_.pop_front();
  }
}

}  // namespace kvmesh::stream
