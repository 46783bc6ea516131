// Requests that arrived together.

#include <algorithm>
#include <utility>

#include "node/core/local_calls.h"

namespace kvmesh::core {
namespace {

// Of requests and results that were copied: so much takes some ten microseconds, or more when the
// memory is new.
constexpr std::size_t kMuchBytes = 64 * 1024;

}  // namespace

void Core::on_request(const Origin& origin, const RequestView& request, TimePoint now) {
  const Incoming incoming{origin, request, {}};
  on_some_requests({&incoming, 1}, now);
}

void Core::on_requests(std::span<const Incoming> run, TimePoint now) {
  while (!run.empty()) run = run.subspan(on_some_requests(run, now).handled);
}

// How large results are is known only when calls have been executed. So after large ones calls are
// executed one by one, and only slowly more of them again.
Core::Progress Core::on_some_requests(std::span<const Incoming> run, TimePoint now) {
  Batch batch{*this};
  Progress progress;
  run_bytes_ = 0;
  while (progress.handled < run.size() && !progress.costly && batch.size() < together_max_) {
    const auto& incoming = run[progress.handled++];
    const auto cost = handle(incoming, batch, now);
    progress.costly = cost == Cost::kMuch || run_bytes_ > kMuchBytes;
  }
  batch.run();
  const bool much = run_bytes_ > kMuchBytes;
  together_max_ = much ? 1 : std::min(kRunMax, together_max_ + 1);
  progress.costly |= much;
  return progress;
}

Cost Core::handle(const Incoming& incoming, Batch& batch, TimePoint now) {
  const auto& request = incoming.request;
  counters_.requests.add();
  Asker asker;
  asker.origin = incoming.origin;
  asker.arrived = incoming.arrived == TimePoint{} ? now : incoming.arrived;
  asker.traced = request.traced();
  if (!slow_.concerns(request)) return handle(asker, request, batch, now);
  asker.note = slow_.begin(request);
  asker.trace_unwanted = !std::exchange(asker.traced, true);
  RequestView traced = request;
  traced.flags |= RequestView::kFlagTrace;
  return handle(asker, traced, batch, now);
}

}  // namespace kvmesh::core
