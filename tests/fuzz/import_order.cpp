// The order of an import, driven by any history of lines, outcomes and time: each bucket ends as if
// its lines had been executed one after the other, and every line is settled once.

#include "client/command/transfer/import_order.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"

namespace kvmesh::fuzz {
namespace {

using command::ImportOrder;
using command::Record;
using std::chrono::milliseconds;

class History {
 public:
  explicit History(Input input)
      : input_(input),
        options_{.requests_max = 1 + input_.below(40),
                 .bytes_max = 300 + input_.below(20) * 500U,
                 .retry_for = milliseconds{input_.below(4) * 2000},
                 .create = input_.below(4) != 0},
        order_(options_) {
    for (const auto* bucket : {"a", "b"}) {
      if (!options_.create) stored_[bucket];
    }
  }

  void run() {
    while (!input_.at_end()) {
      step();
      fetch();
      check(order_.in_flight() == under_way_.size(), "what is under way is counted");
    }
    finish();
  }

 private:
  struct UnderWay {
    ImportOrder::Id id = 0;
    Status status;
  };
  struct Line {
    std::string bucket;
    std::string value;
    bool has_key = false;
    bool settled = false;
  };

  void step() {
    switch (input_.below(6)) {
      case 0:
      case 1:
        return add();
      case 2:
        return send();
      case 3:
        return answer();
      case 4:
        now_ += milliseconds{input_.below(3000)};
        return;
      default:
        if (input_.byte() == 0xaa) abandon();
    }
  }

  void add() {
    if (abandoned_ || !order_.has_room()) return;
    Line line{std::string(1, static_cast<char>('a' + input_.below(3))), {}, input_.below(5) != 0};
    const auto number = lines_.size() + 1;
    line.value = std::to_string(number);
    Record record{line.bucket, std::nullopt};
    if (line.has_key) record.pair = Record::KeyValue{"k", line.value};
    lines_.push_back(line);
    order_.add(number, std::move(record));
  }

  // Requests are executed in the order in which they are sent, as on one connection to one node.
  void send() {
    while (const auto id = order_.next_to_send(now_)) {
      check(!abandoned_, "nothing is sent when the import was abandoned");
      const auto& bucket = order_.bucket(*id);
      const auto fate = input_.below(8);
      Status status;
      if (fate == 0) status = {StatusCode::kUnavailable, "away"};
      if (fate == 1) status = {StatusCode::kTooLarge, "too large"};
      if (fate > 1) status = execute(*id, bucket);
      if (fate == 2) status = {StatusCode::kOutcomeUnknown, "nobody knows"};
      check(std::ranges::find(under_way_, *id, &UnderWay::id) == under_way_.end(),
            "a request is sent once at a time");
      under_way_.push_back({*id, status});
    }
  }

  Status execute(ImportOrder::Id id, const std::string& bucket) {
    if (order_.kind(id) == ImportOrder::Kind::kCreate) {
      stored_.try_emplace(bucket);
      return {};
    }
    if (!stored_.contains(bucket)) return {StatusCode::kNotFound, "no bucket"};
    if (order_.kind(id) == ImportOrder::Kind::kPut) {
      stored_[bucket] = order_.record(id).pair->value;
    }
    return {};
  }

  void answer() {
    if (under_way_.empty()) return;
    const auto at = input_.below(static_cast<std::uint32_t>(under_way_.size()));
    const auto [id, status] = under_way_[at];
    under_way_.erase(under_way_.begin() + at);
    order_.on_outcome(id, status, now_);
  }

  void abandon() {
    order_.abandon();
    abandoned_ = true;
  }

  void fetch() {
    while (const auto settled = order_.next_settled()) {
      check(settled->line >= 1 && settled->line <= lines_.size(), "only lines are settled");
      auto& line = lines_[settled->line - 1];
      check(!line.settled, "a line is settled once", std::to_string(settled->line));
      line.settled = true;
      auto& last = last_settled_[line.bucket];
      check(last < settled->line, "lines of a bucket are settled in their order");
      last = settled->line;
      if (!settled->status.ok()) failed_buckets_.insert(line.bucket);
    }
  }

  // No more trouble: what is left comes to its end.
  void finish() {
    for (int rounds = 0; !order_.idle(); ++rounds) {
      check(rounds < 100000, "an import ends");
      while (const auto id = order_.next_to_send(now_)) {
        under_way_.push_back({*id, execute(*id, order_.bucket(*id))});
      }
      while (!under_way_.empty()) {
        const auto [id, status] = under_way_.front();
        under_way_.erase(under_way_.begin());
        order_.on_outcome(id, status, now_);
      }
      fetch();
      if (const auto retry = order_.next_retry()) now_ = std::max(now_, *retry);
    }
    fetch();
    std::map<std::string, std::string> last;
    for (const auto& line : lines_) {
      check(line.settled, "every line is settled");
      if (line.has_key) last[line.bucket] = line.value;
    }
    for (const auto& [bucket, value] : last) {
      if (failed_buckets_.contains(bucket)) continue;
      check(stored_.contains(bucket) && stored_[bucket] == value, "the last line of a bucket wins",
            bucket);
    }
  }

  Input input_;
  ImportOrder::Options options_;
  ImportOrder order_;
  ImportOrder::Time now_{milliseconds{1000}};
  std::vector<Line> lines_;
  std::vector<UnderWay> under_way_;
  std::map<std::string, std::string> stored_;
  std::map<std::string, std::uint64_t> last_settled_;
  std::set<std::string> failed_buckets_;  // buckets with a line that was not stored
  bool abandoned_ = false;
};

}  // namespace
}  // namespace kvmesh::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  History{Input{data, size}}.run();
  return 0;
}
