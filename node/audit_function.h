#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "node/audit_log.h"
#include "node/core/adapter.h"
#include "node/core/core.h"
#include "node/core/function_registry.h"

namespace kvmesh {

/// The function node.audit (common/PROTOCOL.md, "Functions"): a poll for lines of the audit log. An
/// adapter, though no request comes from it, so that it has its ticks: at one of them calls that
/// wait are answered. Owned by one reactor.
class AuditFunction final : public core::Adapter {
 public:
  AuditFunction(const AuditLog& log, core::Core& core) : log_(log), core_(core) {}

  /// This must outlive `registry`.
  void define(core::FunctionRegistry& registry);

  void reply(const core::Origin& /*origin*/, const ReplyView& /*reply*/) override {}
  std::string address_of(const core::Origin& /*origin*/) const override { return {}; }
  void tick(TimePoint now) override;
  bool is_idle() const override { return waiting_.empty(); }
  void stop(TimePoint now) override;

 private:
  struct Waiting {
    core::Call::Ticket ticket;
    std::uint64_t seen = 0;
    TimePoint until;
  };

  void ask(core::Call& call);
  void answer(const Waiting& one, const AuditLog::Page& page);

  const AuditLog& log_;
  core::Core& core_;
  std::deque<Waiting> waiting_;
};

}  // namespace kvmesh
