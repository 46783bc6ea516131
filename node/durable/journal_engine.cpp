#include "node/durable/journal_engine.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <span>
#include <utility>

#include "common/text.h"
#include "node/store/answer_note.h"

namespace kvmesh::durable {
namespace {

class JournalRoom final : public store::LogRoom {
 public:
  JournalRoom(journal::Journal& journal, store::KeyPlaces& places)
      : LogRoom(places), journal_(journal) {}

  Status reserve(std::size_t bytes) override {
    if (room_) return journal_.reserve_at_least(*room_, bytes);
    auto room = journal_.reserve(bytes);
    if (!room) return room.status();
    room_.emplace(*std::move(room));
    return {};
  }
  void flush() override { room_.reset(); }

 private:
  store::Place append(std::span<const journal::Change> changes, store::Revision revision) override {
    if (!room_) std::abort();
    return journal_.append(*room_, changes, revision);
  }

  journal::Journal& journal_;
  std::optional<journal::Reservation> room_;
};

class JournalLog final : public store::ChangeLog {
 public:
  explicit JournalLog(JournalEvents events) : events_(std::move(events)) {}

  // Until then it is silent.
  void set(std::unique_ptr<journal::Journal> journal) {
    journal_ = std::move(journal);
    is_set_.store(true, std::memory_order_release);
    on_change();
  }
  void progress(const journal::Recovered& so_far) const { events_.progress(so_far); }
  // On any thread: more is durable, or the journal has failed.
  void on_change() {
    if (!is_set_.load(std::memory_order_acquire) || !journal_->has_failed()) return;
    if (!is_failure_told_.exchange(true)) events_.failed(*journal_->failure());
  }

  journal::BucketId new_bucket() override { return journal_->new_bucket(); }
  std::unique_ptr<store::LogRoom> room(store::KeyPlaces& places) override {
    return std::make_unique<JournalRoom>(*journal_, places);
  }
  store::Place durable() const override { return journal_->durable(); }
  bool has_failed() const override { return journal_->has_failed(); }
  std::optional<std::string> failure() const override { return journal_->failure(); }

 private:
  JournalEvents events_;
  std::atomic<bool> is_set_ = false;
  std::atomic<bool> is_failure_told_ = false;
  std::unique_ptr<journal::Journal> journal_;  // ends first: its threads use the others
};

class Restorer final : public journal::Loader {
 public:
  Restorer(store::MemoryEngine& memory, const JournalLog& log) : memory_(memory), log_(log) {}

  Status bucket(journal::BucketId bucket, std::string_view name, std::string_view meta) override {
    bucket_ = name;
    const auto options = store::read_options(meta);
    if (!options) {
      return {StatusCode::kInternal,
              "the bucket " + in_quotes(name) + " has options that are none"};
    }
    return memory_.restore_bucket(bucket_, bucket, *options);
  }
  Status record(journal::BucketId /*bucket*/, std::string_view key,
                const journal::Record& record) override {
    return memory_.restore_key(bucket_, key, record.value, {record.revision, record.expires_ms});
  }
  Status note(journal::BucketId /*bucket*/, std::string_view name,
              std::string_view content) override {
    const auto note = store::read_answer(content);
    if (!note) {
      return {StatusCode::kInternal, "the note " + in_quotes(name) + " is no answer to a call"};
    }
    memory_.restore_answer(bucket_, name, note->answer, note->at);
    return {};
  }
  void progress(const journal::Recovered& so_far) override { log_.progress(so_far); }

 private:
  store::MemoryEngine& memory_;
  const JournalLog& log_;
  std::string bucket_;  // whose records come
};

}  // namespace

Result<JournalEngine> open_journal_engine(const DurableEngine::Options& options,
                                          const journal::Options& journal, JournalEvents events) {
  auto log = std::make_unique<JournalLog>(std::move(events));
  auto& silent = *log;
  auto engine = std::make_unique<DurableEngine>(options, std::move(log));
  Restorer restorer{engine->memory(), silent};
  auto opened = journal::Journal::open(journal, restorer, [&at = *engine, &silent] {
    silent.on_change();
    at.on_log_change();
  });
  if (!opened) return opened.status();
  engine->memory().restored((*opened)->recovered().revision, std::chrono::steady_clock::now());
  const auto* of_engine = opened->get();
  silent.set(*std::move(opened));
  return JournalEngine{std::move(engine), of_engine};
}

}  // namespace kvmesh::durable
