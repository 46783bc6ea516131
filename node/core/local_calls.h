#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "node/core/core.h"

namespace kvmesh::core {

/// A call that is executed here, from its function's start to its answer.
class Core::LocalCall final : public Call {
 public:
  LocalCall(Core& core, const Asker& asker, const RequestView& request, std::uint8_t number,
            CallTime time);
  LocalCall(const LocalCall&) = delete;
  LocalCall& operator=(const LocalCall&) = delete;
  /// A function that has neither answered nor deferred has failed.
  ~LocalCall() override;

  /// Its function begins now.
  void begin();
  void succeed() override;
  void succeed_with(std::string_view bytes) override;
  void fail(const Status& status) override;
  Result<Ticket> defer() override { return defer(asker_); }
  Result<Ticket> defer_queued() override;

  /// Its function let an exception out. If it has answered or deferred already, then that stands.
  void threw(std::string_view what);

 private:
  Result<Ticket> defer(const Asker& asker);
  void answer(const ReplyView& reply);
  void answer_checked(const ReplyView& reply);

  Core& core_;
  Asker asker_;
  bool answered_ = false;
};

/// Calls that came together and that one runner takes together; one after the other when one of
/// them is traced, so that each one's time is its own. On the stack of on_some_requests();
/// REQUIRES: what the requests point to lives as long.
class Core::Batch {
 public:
  explicit Batch(Core& core) : core_(core) {}
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() = default;

  /// REQUIRES: function.runner != nullptr, size() < kRunMax. Runs those of another runner first.
  void add(const Asker& asker, const RequestView& request, CallTime time, const Function& function);
  /// Executes those that were added.
  void run();
  std::size_t size() const { return size_; }

 private:
  Core& core_;
  Runner* runner_ = nullptr;
  std::size_t size_ = 0;
  bool any_traced_ = false;
  std::array<std::optional<LocalCall>, kRunMax> calls_;
};

/// kTooLarge when a result of so many bytes, packed, fits no record: the nodes on the way would
/// take it for a broken peer.
Status check_result(std::size_t bytes);

}  // namespace kvmesh::core
