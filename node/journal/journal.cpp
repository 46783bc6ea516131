#include "node/journal/journal.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "common/signals_blocked.h"
#include "node/journal/database.h"
#include "node/journal/failure.h"
#include "node/journal/files.h"
#include "node/journal/marker.h"
#include "node/journal/opening.h"
#include "node/journal/staging.h"
#include "node/journal/state_dir.h"
#include "node/journal/writer.h"

namespace kvmesh::journal {

// In the order in which things need each other.
class Journal::Impl {
 public:
  Impl(const Options& options, std::function<void()> on_change, Opened opened)
      : on_change_(std::move(on_change)),
        failure_(std::move(opened.failure)),
        dir_(std::move(opened.dir)),
        recovered_(std::move(opened.recovered)),
        database_(std::move(opened.database)),
        marker_(std::move(opened.marker)),
        buckets_(database_->group().bucket),
        staging_(options.queue_bytes_max) {
    failure_->on_set(on_change_);
    writer_.emplace(staging_, *database_, *marker_, *failure_, options, on_change_);
  }

  std::function<void()> on_change_;
  std::shared_ptr<Failure> failure_;
  std::unique_ptr<StateDir> dir_;
  Recovered recovered_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Marker> marker_;
  std::atomic<BucketId> buckets_;
  Staging staging_;
  std::optional<Writer> writer_;
  std::atomic<bool> closed_{false};
};

Reservation::~Reservation() {
  if (staging_ == nullptr) return;
  if (left_ > 0) staging_->give_back(left_);
  if (appended_) staging_->wake();
}

Result<std::unique_ptr<Journal>> Journal::open(const Options& options, Loader& loader,
                                               std::function<void()> on_change) {
  const SignalsBlocked blocked;
  auto opened = open_state_dir(options, loader);
  if (!opened.ok()) return opened.status();
  auto impl = std::make_unique<Impl>(options, std::move(on_change), *std::move(opened));
  std::unique_ptr<Journal> journal{new Journal(std::move(impl))};
  if (auto status = journal->impl_->database_->begin(); !status.ok()) {
    return Status{status.code(), in_state_dir(options.state_dir) + ": " + status.text()};
  }
  return journal;
}

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Journal::~Journal() { (void)close(); }

const Recovered& Journal::recovered() const { return impl_->recovered_; }

BucketId Journal::new_bucket() { return impl_->buckets_.fetch_add(1) + 1; }

Result<Reservation> Journal::reserve(std::size_t bytes) {
  Reservation room{impl_->staging_, 0};
  if (auto status = reserve_at_least(room, bytes); !status.ok()) return status;
  return room;
}

Status Journal::reserve_at_least(Reservation& room, std::size_t bytes) {
  if (const auto reason = impl_->failure_->reason()) {
    return Status{StatusCode::kUnavailable,
                  "the journal failed: " + *reason + "; nothing is stored until the node restarts"};
  }
  if (impl_->closed_) return Status{StatusCode::kUnavailable, "the journal is closed"};
  const auto missing = bytes - std::min(bytes, room.left_);
  if (impl_->staging_.reserve(missing)) {
    room.left_ += missing;
    return {};
  }
  return Status{StatusCode::kOverloaded,
                "the journal has " + std::to_string(impl_->staging_.queued()) +
                    " bytes to write; the disk is slower than the writers"};
}

Sequence Journal::append(Reservation& room, std::span<const Change> changes,
                         std::uint64_t revision) {
  std::size_t bytes = 0;
  for (const auto& change : changes) bytes += encoded_bytes(change);
  if (bytes > room.left_) std::abort();
  room.left_ -= bytes;
  room.appended_ = true;
  return impl_->staging_.append(changes, bytes, revision);
}

Sequence Journal::durable() const { return impl_->writer_->durable(); }

std::optional<std::string> Journal::failure() const { return impl_->failure_->reason(); }
bool Journal::has_failed() const { return impl_->failure_->is_set(); }

Statistics Journal::statistics() const { return impl_->writer_->statistics(); }

Status Journal::close() {
  if (impl_->closed_.exchange(true)) return {};
  impl_->staging_.close();
  impl_->writer_->stop();
  auto status = Status{};
  if (impl_->failure_->is_set()) {
    status = {StatusCode::kUnavailable, "the journal failed: " + *impl_->failure_->reason()};
  } else {
    status = impl_->database_->flush();
  }
  impl_->marker_.reset();
  impl_->database_.reset();
  impl_->dir_.reset();
  return status;
}

}  // namespace kvmesh::journal
