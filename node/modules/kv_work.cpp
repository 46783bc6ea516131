#include "node/modules/kv_work.h"

#include <utility>

#include <kvmesh/limits.h>

#include "common/text.h"
#include "common/wire/pack.h"

namespace kvmesh::modules {
namespace {

void pack_page(wire::Buffer& out, const store::Page& page) {
  wire::pack_array(out, 2);
  wire::pack_bool(out, page.more);
  wire::pack_array(out, page.names.size());
  for (const auto& name : page.names) wire::pack_bin(out, name);
}

}  // namespace

Status with_bucket(const Status& status, std::string_view bucket) {
  if (status.code() != StatusCode::kNotFound) return status;
  return {StatusCode::kNotFound, "there is no bucket " + in_quotes(bucket)};
}

void list_now(store::Engine& engine, core::Call& call, const KvWork::Wanted& wanted) {
  const auto page =
      call.bucket().empty()
          ? engine.list_buckets(wanted.after, wanted.items_max, limits::kPageBytesMax)
          : engine.list_keys(call.bucket(), wanted.after, wanted.items_max, limits::kPageBytesMax);
  if (!page) return call.fail(with_bucket(page.status(), call.bucket()));
  pack_page(call.result(), *page);
  call.succeed();
}

// A bucket that does not exist has few keys: none.
bool KvWork::is_short(const core::Call& call) {
  constexpr auto kFew = 2 * store::Engine::kScanStep;
  if (call.bucket().empty()) return engine_.usage().buckets <= kFew;
  const auto keys = engine_.count(call.bucket());
  return !keys || *keys <= kFew;
}

void KvWork::list(core::Call& call, const Wanted& wanted) {
  if (is_short(call)) return list_now(engine_, call, wanted);
  if (waiting_.size() >= limits::kPagesWaitingMax) {
    return call.fail({StatusCode::kOverloaded, std::to_string(waiting_.size()) +
                                                   " pages of many names wait here already, the "
                                                   "most that may; it was not executed"});
  }
  const auto ticket = call.defer_queued();
  if (!ticket) return;
  waiting_.push_back({*ticket,
                      call.deadline(),
                      std::string{call.bucket()},
                      {wanted.after, wanted.items_max, limits::kPageBytesMax}});
}

bool KvWork::pass(core::Core& core, TimePoint now) {
  // The core has answered those, or is about to.
  while (!waiting_.empty() && waiting_.front().deadline <= now) waiting_.pop_front();
  if (waiting_.empty()) return false;
  auto& first = waiting_.front();
  if (!std::exchange(first.has_begun, true)) core.on_begun(first.ticket);
  const auto complete = scan(first);
  if (complete && !*complete) return true;
  wire::Buffer result;
  if (complete) pack_page(result, std::move(first.page).finish());
  core.complete(first.ticket, with_bucket(complete.status(), first.bucket), result.view(), now);
  waiting_.pop_front();
  return !waiting_.empty();
}

Result<bool> KvWork::scan(Waiting& waiting) {
  if (waiting.bucket.empty()) return engine_.scan_buckets(waiting.page);
  return engine_.scan_keys(waiting.bucket, waiting.page);
}

}  // namespace kvmesh::modules
