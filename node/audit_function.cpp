#include "node/audit_function.h"

#include <algorithm>
#include <chrono>
#include <string>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/wire/pack.h"
#include "node/modules/arguments.h"

namespace kvmesh {
namespace {

constexpr std::size_t kLinesInAPage = 256;  // they fit a reply however long names are
constexpr std::size_t kFollowersMax = 64;
constexpr std::chrono::seconds kWaitMax{10};  // so long one may be told who may not know any more

void pack(wire::Buffer& out, const AuditLog::Page& page) {
  wire::pack_array(out, 3);
  wire::pack_uint(out, page.next);
  wire::pack_bool(out, page.gap);
  wire::pack_array(out, page.lines.size());
  for (const auto& line : page.lines) wire::pack_str(out, line);
}

}  // namespace

void AuditFunction::define(core::FunctionRegistry& registry) {
  registry.define(functions::kNodeAudit, [this](core::Call& call) { ask(call); });
}

void AuditFunction::ask(core::Call& call) {
  modules::Arguments args{call.request(), functions::kNodeAudit};
  const auto seen = args.uint_or_nil().value_or(0);
  if (modules::refuse(call, args.check())) return;
  if (modules::refuse_target(functions::kNodeAudit, call)) return;
  const auto page = log_.after(seen, kLinesInAPage);
  if (!page.lines.empty()) {
    pack(call.result(), page);
    return call.succeed();
  }
  if (waiting_.size() >= kFollowersMax) {
    return call.fail({StatusCode::kOverloaded, std::to_string(waiting_.size()) +
                                                   " calls follow the audit log already, the most "
                                                   "that may"});
  }
  // Not until its deadline, as the answer has a way to go.
  const auto until =
      call.now() + std::min<TimePoint::duration>((call.deadline() - call.now()) / 10 * 9, kWaitMax);
  if (const auto ticket = call.defer()) waiting_.push_back({*ticket, seen, until});
}

void AuditFunction::tick(TimePoint now) {
  for (auto left = waiting_.size(); left > 0; --left) {
    const auto one = waiting_.front();
    waiting_.pop_front();
    const auto page = log_.after(one.seen, kLinesInAPage);
    if (page.lines.empty() && now < one.until) {
      waiting_.push_back(one);
    } else {
      answer(one, page);
    }
  }
}

void AuditFunction::stop(TimePoint /*now*/) {
  for (const auto& one : waiting_) answer(one, log_.after(one.seen, kLinesInAPage));
  waiting_.clear();
}

void AuditFunction::answer(const Waiting& one, const AuditLog::Page& page) {
  wire::Buffer out;
  pack(out, page);
  core_.complete(one.ticket, {}, out.view());
}

}  // namespace kvmesh
