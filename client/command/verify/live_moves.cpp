#include "client/command/verify/live_moves.h"

#include <kvmesh/client.h>
#include <kvmesh/limits.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "client/command/nodes/info_text.h"
#include "client/command/verify/reach.h"
#include "client/outcome.h"
#include "common/functions.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kCountsAtOnce = 1000;
constexpr int kMovedTries = 3;
constexpr milliseconds kMovesPause{250};

// A call that has used its time is not made again: there is one bound for all of them.
bool is_made_again(StatusCode code) {
  return is_transient(code) && code != StatusCode::kDeadlineExceeded;
}

class Reader final : public BucketReader {
 public:
  // `countable`: the bytes of buckets of which requests of `reached.client` end at that node.
  Reader(Reached& reached, const verify::ByteSet& countable, const CallTime& time)
      : client_(*reached.client), target_(reached.target), countable_(countable), time_(time) {}

  Result<Names> buckets(const std::string& after) override {
    const auto page = ops::buckets(target_, after, limits::kPageItemsMax);
    return client::names_of(again_until_it_passes(page, call(page)), functions::kKvBuckets.name);
  }

  std::vector<Result<std::uint64_t>> counts(std::span<const std::string> buckets) override {
    std::vector<Result<std::uint64_t>> out;
    out.reserve(buckets.size());
    while (out.size() < buckets.size()) {
      const auto size = std::min(kCountsAtOnce, buckets.size() - out.size());
      count_some(buckets.subspan(out.size(), size), out);
    }
    return out;
  }

 private:
  Outcome call(const Operation& operation) {
    Outcome refused;
    refused.status = time_.over();
    return time_.is_over() ? refused : client_.call(operation, time_.of_a_call());
  }

  // Reading is safe to repeat.
  Outcome again_until_it_passes(const Operation& operation, Outcome outcome) {
    for (int tried = 1; tried < kMovedTries && is_made_again(outcome.status.code()); ++tried) {
      std::this_thread::sleep_for(kMovesPause);
      outcome = call(operation);
    }
    return outcome;
  }

  void count_some(std::span<const std::string> buckets, std::vector<Result<std::uint64_t>>& out) {
    std::vector<Operation> operations;
    operations.reserve(buckets.size());
    for (const auto& bucket : buckets) operations.push_back(ops::count(bucket));
    if (time_.is_over()) {
      out.insert(out.end(), buckets.size(), time_.over());
      return;
    }
    auto outcomes = client_.call(operations, time_.of_a_call());
    bool passes = true;  // where one stays away, the others need not wait for it as well
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      if (!countable_.holds(static_cast<std::uint8_t>(buckets[i].front()))) {
        out.emplace_back(Status{StatusCode::kUnavailable, "requests for bucket " +
                                                              in_quotes(buckets[i]) +
                                                              " that enter where " + target_ +
                                                              " can be asked do not end there"});
        continue;
      }
      if (passes) outcomes[i] = again_until_it_passes(operations[i], std::move(outcomes[i]));
      passes = passes && !is_made_again(outcomes[i].status.code());
      out.push_back(client::count_of(std::move(outcomes[i]), functions::kKvCount.name));
    }
  }

  Client& client_;
  const std::string target_;
  const verify::ByteSet countable_;
  const CallTime& time_;
};

verify::ByteSet ending_at(const verify::MeshModel& model, const std::string& from,
                          const std::string& node) {
  verify::ByteSet out;
  const auto report = verify::verify(model, {{from}});
  if (!report) return out;
  for (const auto& owner : report->owners) {
    if (owner.node != node) continue;
    for (const auto range : owner.bytes.ranges()) out.insert(range);
  }
  return out;
}

Holding holding_of(const std::string& node, const Value& info) {
  const Value* store = info.find("store");
  if (store == nullptr) return {node, 0, 0, 0};
  return {node, number_at(*store, "buckets"), number_at(*store, "keys"),
          number_at(*store, "bytes")};
}

}  // namespace

Moves count_moves(const LiveMesh& mesh, const verify::Difference& difference,
                  std::chrono::milliseconds timeout) {
  MoveCounter counter{difference};
  std::vector<Holding> holdings;
  const CallTime time{timeout};
  for (const auto& [node, bytes] : counter.losses()) {
    const auto& way = mesh.ways.at(node);
    auto reached = time.is_over() ? Result<Reached>{time.over()} : reach(way, node, time);
    if (!reached) {
      counter.fail(node, reached.status());
      continue;
    }
    holdings.push_back(holding_of(node, reached->info));
    const bool direct = reached->target.empty();
    Reader reader{*reached, direct ? bytes : ending_at(mesh.model, way.knower, node), time};
    counter.count(node, bytes, reader);
  }
  auto moves = counter.take();
  moves.holdings = std::move(holdings);
  moves.silent = mesh.model.silent;
  return moves;
}

}  // namespace kvmesh::command
