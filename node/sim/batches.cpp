// Calls about several keys, in place of some that are about one.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "node/sim/workload.h"

namespace kvmesh::sim {
namespace {

using Kind = store::Change::Kind;

constexpr std::uint16_t kValues = 6;   // keys of values, as the other requests have them
constexpr std::size_t kBusy = 5;       // buckets that have more to do than others
constexpr std::uint16_t kNumbers = 2;  // and after those: keys of numbers

class Batcher {
 public:
  explicit Batcher(Plan& plan) : plan_(plan), random_(plan.seed ^ 0xba7c4e5) {}

  void run() {
    if (!random_.chance(60)) return;
    for (auto& request : plan_.requests) {
      if (request.operation == Operation::kCreate && busy_.size() < kBusy) {
        if (std::ranges::find(busy_, request.bucket) == busy_.end())
          busy_.push_back(request.bucket);
      }
      const bool changes =
          request.operation == Operation::kPut || request.operation == Operation::kErase;
      if (request.operation == Operation::kKeys && random_.chance(50)) {
        request.operation = Operation::kScan;
      } else if (request.operation == Operation::kGet && random_.chance(20)) {
        follow(request);
      } else if (request.operation == Operation::kGet && random_.chance(30)) {
        become(request, Operation::kRead, some_keys());
      } else if (changes && random_.chance(40)) {
        if (random_.chance(30)) request.bucket = busy();
        if (!repeated_.empty() && random_.chance(15)) {
          repeat(request);
        } else {
          become(request, Operation::kApply, some_changes());
          if (plan_.batches.back().once != 0) repeated_.push_back(request);
        }
      }
    }
  }

 private:
  std::vector<std::uint16_t> keys(std::uint64_t most) {
    std::vector<std::uint16_t> out;
    for (auto count = random_.between(1, most); count > 0; --count) {
      const auto first = random_.chance(30) ? kValues : std::uint16_t{0};
      const auto key =
          static_cast<std::uint16_t>(first + random_.below(first == 0 ? kValues : kNumbers));
      if (std::ranges::find(out, key) == out.end()) out.push_back(key);
    }
    return out;
  }

  Batch some_keys() {
    Batch out;
    out.keys = keys(4);
    return out;
  }

  Batch some_changes() {
    Batch out;
    if (random_.chance(40)) {
      for (const auto key : keys(2)) out.checks.push_back({key, random_.chance(25)});
    }
    for (const auto key : keys(4)) out.changes.push_back(change(key));
    if (random_.chance(30)) out.once = ++once_;
    return out;
  }

  Batch::Change change(std::uint16_t key) {
    Batch::Change out;
    out.key = key;
    const auto place = random_.below(100);
    const bool adds = key >= kValues ? place < 80 : place < 2;
    if (adds) {
      out.kind = Kind::kAdd;
      out.delta = static_cast<std::int64_t>(random_.below(2001)) - 1000;
    } else {
      out.kind = place < 88 ? Kind::kPut : (place < 94 ? Kind::kTouch : Kind::kDelete);
    }
    if (out.kind != Kind::kDelete && random_.chance(35)) {
      out.ttl_ms = static_cast<std::uint32_t>(random_.between(1, random_.chance(50) ? 50 : 3000));
    }
    return out;
  }

  void become(Request& request, Operation operation, Batch batch) {
    request.operation = operation;
    request.batch = static_cast<std::uint32_t>(plan_.batches.size());
    request.key = 0;
    plan_.batches.push_back(std::move(batch));
  }

  std::uint32_t busy() { return busy_[random_.index(busy_.size())]; }

  // One for each bucket, that it is told something; most ask for more than there is.
  void follow(Request& request) {
    request.operation = Operation::kChanges;
    request.bucket = busy();
    request.node = static_cast<NodeIndex>(request.bucket % plan_.nodes.size());
    request.value = static_cast<std::uint32_t>(random_.chance(70) ? 0 : random_.between(1, 4));
    request.wait_ms = static_cast<std::uint32_t>(random_.chance(60) ? 0 : random_.between(1, 300));
  }

  // As one does who got no answer.
  void repeat(Request& request) {
    const auto place = random_.index(repeated_.size());
    auto again = repeated_[place];
    again.at = request.at;
    again.timeout_ms = request.timeout_ms;
    request = again;
  }

  Plan& plan_;
  Random random_;
  std::uint32_t once_ = 0;
  std::vector<std::uint32_t> busy_;  // buckets
  std::vector<Request> repeated_;
};

}  // namespace

void add_batches(Plan& plan) { Batcher{plan}.run(); }

}  // namespace kvmesh::sim
