// Requests that arrived together.

#include <array>

#include "node/core/core.h"

namespace kvmesh::core {
namespace {

// Of requests and results that were copied: so much takes some ten microseconds, or more when the
// memory is new.
constexpr std::size_t kMuchBytes = 64 * 1024;

}  // namespace

void Core::on_requests(std::span<const Incoming> run, TimePoint now) {
  while (!run.empty()) run = run.subspan(on_some_requests(run, now).handled);
}

Core::Progress Core::on_some_requests(std::span<const Incoming> run, TimePoint now) {
  std::array<const Function*, kRunMax> functions{};
  find_functions(run, functions);
  if (run.size() > 1) announce(run, functions);
  run_bytes_ = 0;
  for (std::size_t i = 0; i < run.size(); ++i) {
    handle(run[i], functions[i], now);
    run_bytes_ += run[i].request.body.size();
    const bool costly = functions[i] != nullptr && functions[i]->cost == Cost::kMuch;
    if (costly || run_bytes_ > kMuchBytes) return {i + 1, true};
  }
  return {run.size(), false};
}

// Of those that are executed here.
void Core::find_functions(std::span<const Incoming> run,
                          std::span<const Function*> functions) const {
  for (std::size_t i = 0; i < run.size(); ++i) {
    const auto& request = run[i].request;
    if (routes_.is_local(request.target)) functions[i] = modules_.find(request.function);
  }
}

void Core::announce(std::span<const Incoming> run, std::span<const Function* const> functions) {
  for (const auto stage : {HintStage::kPlace, HintStage::kRecord}) {
    for (std::size_t i = 0; i < run.size(); ++i) {
      if (functions[i] != nullptr && functions[i]->expect) {
        functions[i]->expect(run[i].request, stage);
      }
    }
  }
}

}  // namespace kvmesh::core
