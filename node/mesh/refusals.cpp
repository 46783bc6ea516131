#include "node/mesh/refusals.h"

#include <chrono>

#include <spdlog/spdlog.h>

namespace kvmesh::mesh {
namespace {

constexpr std::size_t kAddressesMax = 4096;
constexpr std::size_t kLoggedMax = 1024;

}  // namespace

void Refusals::tell(const Refused& refused, TimePoint now) {
  count_.add();
  if (audit_ != nullptr && may_audit(refused.from, now)) {
    core::AuditEvent event;
    event.kind = core::AuditEvent::Kind::kRefused;
    event.principal = refused.principal;
    event.fingerprint = refused.fingerprint;
    event.from = refused.from;
    event.what = refused.why;
    audit_->tell(event);
  }
  if (!may_log(refused, now)) return;
  spdlog::warn(
      "refused a connection to the mesh port from {}{}{}: {}{}{}; this is told once an hour",
      refused.from.empty() ? "an unknown address" : refused.from,
      refused.principal.empty() ? "" : " by ", refused.principal, refused.why,
      refused.advice.empty() ? "" : "; ", refused.advice);
}

bool Refusals::may_audit(std::string_view address, TimePoint now) {
  if (now - second_ >= std::chrono::seconds{1}) {
    second_ = now;
    audited_.clear();
  }
  auto found = audited_.find(address);
  if (found == audited_.end()) {
    // From so many addresses in one second it is one flood.
    if (audited_.size() >= kAddressesMax) return false;
    found = audited_.emplace(address, 0).first;
  }
  return ++found->second <= kAuditedEachSecond;
}

bool Refusals::may_log(const Refused& refused, TimePoint now) {
  if (now - hour_ >= std::chrono::hours{1}) {
    hour_ = now;
    logged_.clear();
  }
  if (logged_.size() >= kLoggedMax) return false;
  std::string reason{refused.from};
  reason.append("\n").append(refused.principal).append("\n").append(refused.why);
  return logged_.insert(std::move(reason)).second;
}

}  // namespace kvmesh::mesh
