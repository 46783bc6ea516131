#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "node/store/change_log.h"
#include "node/store/engine.h"
#include "node/store/memory_engine.h"

/// Buckets that outlive the process.
namespace kvmesh::durable {

/// Buckets in memory, with a log of what changes. All is read from memory; the log is read at the
/// start only. An operation is told as ended when all that it changed, or has seen of others'
/// changes, is durable: so nobody learns of anything that a crash could take back. Nobody waits for
/// the log meanwhile but those who asked.
///
/// When the log has failed, nothing is stored any more: what waits for it ends as kOutcomeUnknown
/// if it changes something, and as kUnavailable if it has seen what may not be durable. All else is
/// read as before.
///
/// Thread-safe, as Engine says; unless made for one thread.
class DurableEngine final : public store::Engine {
 public:
  /// Whether reads wait, too.
  enum class Reads : std::uint8_t { kDurable, kUndurable };
  struct Options {
    std::uint64_t bytes_max = 0;
    store::MemoryEngine::Use use = store::MemoryEngine::Use::kThreads;
    store::EngineClock clock{};
    Reads reads = Reads::kDurable;
  };
  /// `log` may still be silent: nothing is written before the first session is opened.
  DurableEngine(const Options& options, std::unique_ptr<store::ChangeLog> log);

  std::unique_ptr<store::Session> open(store::SessionOwner& owner,
                                       std::function<void()> wake) override;
  store::Usage usage() const override { return memory_.usage(); }
  store::BucketCounts buckets_by_byte() const override { return memory_.buckets_by_byte(); }
  store::BucketCounts buckets_by_hash(std::uint8_t byte) const override {
    return memory_.buckets_by_hash(byte);
  }

  /// More is durable, or the log has failed: sessions that wait are woken. Any thread may call it.
  void on_log_change();
  /// For what is restored at the start.
  store::MemoryEngine& memory() { return memory_; }

 private:
  friend class DurableSession;
  void forget(const store::Session& session);

  Reads reads_;
  std::mutex mutex_;  // of sessions_
  std::vector<std::pair<const store::Session*, std::function<void()>>> sessions_;
  store::KeyPlaces places_;
  std::unique_ptr<store::ChangeLog> log_;  // until its end it may tell of changes
  store::MemoryEngine memory_;
};

}  // namespace kvmesh::durable
