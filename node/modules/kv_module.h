#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "node/core/core.h"
#include "node/modules/kv_changes.h"
#include "node/store/engine.h"

namespace kvmesh::modules {

/// The functions of the module `kv` (common/PROTOCOL.md, "Functions"), for one reactor: between the
/// calls of its core and its session with the engine.
/// Owned by one reactor; no locks.
class KvModule final : public core::Runner, private store::SessionOwner {
 public:
  /// `engine` must outlive this. `wake` is called, on any thread, when pass() has something to do.
  explicit KvModule(
      store::Engine& engine, std::function<void()> wake = [] {});

  /// This must outlive `modules`, which must stay where they are.
  void define(core::FunctionRegistry& modules);

  void run(std::span<core::Call* const> calls) override;
  /// Answers what has ended later. True: there is more to do at once.
  bool pass(core::Core& core, TimePoint now);
  void tick(TimePoint now) { session_->tick(now); }

 private:
  void ended(std::size_t place, const store::OpResult& result) override;
  std::optional<Ticket> defer(std::size_t place) override;
  void began(Ticket ticket) override;
  void ended_later(Ticket ticket, const store::OpResult& result) override;

  std::unique_ptr<store::Session> session_;
  // Those that are being executed, by their place.
  std::vector<store::Op> ops_;
  std::vector<core::Call*> calls_;
  KvMore more_;  // what they point to
  // In pass().
  core::Core* core_ = nullptr;
  TimePoint now_{};
};

/// Packs what an operation ended with as the result of its call; nothing for nil. REQUIRES: its
/// status is OK.
void pack_result(wire::Buffer& out, const store::OpResult& result);

}  // namespace kvmesh::modules
