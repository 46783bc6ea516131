#include "node/sim/slow_engine.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace kvmesh::sim {
namespace {

using store::Op;
using Ticket = store::SessionOwner::Ticket;

SlowEngine::Ended page_of(Result<store::Page> page) {
  if (!page) return {page.status()};
  return {.status = {}, .page = *std::move(page)};
}

SlowEngine::Ended execute(store::MemoryEngine& memory, const Op& op, store::Moment now) {
  switch (op.kind) {
    case Op::Kind::kCreate:
      return {memory.create(op.bucket, now)};
    case Op::Kind::kDrop:
      return {memory.drop(op.bucket)};
    case Op::Kind::kPut:
      return {memory.put(op.bucket, op.key, op.value, now)};
    case Op::Kind::kGet: {
      SlowEngine::Ended out;
      out.status = memory
                       .get(
                           op.bucket, op.key,
                           [&](std::string_view value) { out.value = std::string{value}; }, now)
                       .status();
      return out;
    }
    case Op::Kind::kErase:
      return {memory.erase(op.bucket, op.key, now)};
    case Op::Kind::kCount: {
      const auto count = memory.count(op.bucket);
      if (!count) return {count.status()};
      return {.status = {}, .count = *count};
    }
    case Op::Kind::kKeys:
      return page_of(memory.list_keys(op.bucket, op.page, now));
    case Op::Kind::kRead: {
      auto entries = memory.read(op.bucket, op.keys, now);
      if (!entries) return {entries.status()};
      return {.status = {}, .entries = *std::move(entries)};
    }
    case Op::Kind::kApply: {
      auto applied = memory.apply(op.bucket, op.checks, op.changes, now);
      if (!applied) return {applied.status()};
      return {.status = {}, .applied = *std::move(applied)};
    }
    case Op::Kind::kBuckets:
      return page_of(memory.list_buckets(op.page));
  }
  return {{StatusCode::kInternal, "an operation of no kind"}};
}

}  // namespace

store::OpResult SlowEngine::Ended::view() const {
  store::OpResult out{.status = status};
  if (value) out.value = *value;
  out.count = count;
  out.page = page ? &*page : nullptr;
  out.entries = entries ? &*entries : nullptr;
  out.applied = applied ? &*applied : nullptr;
  return out;
}

class SlowEngine::Session final : public store::Session {
 public:
  Session(SlowEngine& engine, store::SessionOwner& owner) : engine_(engine), owner_(owner) {}

  // In their order: none is executed before those that came earlier.
  void execute(std::span<const Op> ops, TimePoint /*now*/) override {
    for (std::size_t i = 0; i < ops.size(); ++i) {
      const auto ticket = owner_.defer(i);
      if (!ticket) continue;
      const auto fate = engine_.options_.decide(ops[i]);
      last_ = std::max(last_, engine_.options_.clock() + fate.until_executed);
      waiting_.push_back({*ticket, KeptOp{ops[i]}, fate, last_});
    }
  }

  bool pass(TimePoint now) override {
    while (!waiting_.empty() && waiting_.front().at <= now) {
      const auto next = std::move(waiting_.front());
      waiting_.pop_front();
      execute(next, now);
    }
    while (!ended_.empty() && ended_.begin()->first <= now) {
      const auto [ticket, ended] = std::move(ended_.begin()->second);
      ended_.erase(ended_.begin());
      owner_.ended_later(ticket, ended.view());
    }
    return false;
  }

  void tick(TimePoint now) override {
    engine_.memory_.tidy();
    (void)engine_.memory_.expire_some(engine_.memory_.moment(now));
  }

 private:
  // An operation with names and values of its own.
  class KeptOp {
   public:
    explicit KeptOp(const Op& op)
        : op_(op),
          bucket_(op.bucket),
          key_(op.key),
          value_(op.value),
          after_(op.page.after),
          keys_(op.keys.begin(), op.keys.end()),
          checks_(op.checks.begin(), op.checks.end()),
          changes_(op.changes.begin(), op.changes.end()) {
      for (auto& key : keys_) key = keep(key);
      for (auto& check : checks_) check.key = keep(check.key);
      for (auto& change : changes_) {
        change.key = keep(change.key);
        change.value = keep(change.value);
      }
    }

    KeptOp(const KeptOp&) = delete;
    KeptOp& operator=(const KeptOp&) = delete;
    KeptOp(KeptOp&&) = default;  // what is kept stays where it is
    KeptOp& operator=(KeptOp&&) = default;
    ~KeptOp() = default;

    Op view() const {
      Op out = op_;
      out.bucket = bucket_;
      out.key = key_;
      out.value = value_;
      out.page.after = after_;
      out.keys = keys_;
      out.checks = checks_;
      out.changes = changes_;
      return out;
    }

   private:
    std::string_view keep(std::string_view text) { return kept_.emplace_back(text); }

    Op op_;
    std::string bucket_;
    std::string key_;
    std::string value_;
    std::optional<std::string> after_;
    std::vector<std::string_view> keys_;
    std::vector<store::Check> checks_;
    std::vector<store::Change> changes_;
    std::deque<std::string> kept_;  // what those point to
  };
  struct Waiting {
    Ticket ticket;
    KeptOp op;
    Fate fate;
    TimePoint at;
  };

  void execute(const Waiting& next, TimePoint now) {
    const auto op = next.op.view();
    owner_.began(next.ticket);
    Ended ended;
    if (op.deadline <= now) {
      ended.status = {StatusCode::kDeadlineExceeded,
                      "its time was over before its turn came; it was not executed"};
    } else if (next.fate.is_executed) {
      ended = sim::execute(engine_.memory_, op, engine_.memory_.moment(now));
      engine_.options_.executed(next.ticket, ended);
    }
    const bool is_unknown = next.fate.is_unknown || (!next.fate.is_executed && op.deadline > now);
    if (is_unknown) ended = {{StatusCode::kOutcomeUnknown, "the disk has not said whether"}};
    if (next.fate.is_told) {
      ended_.emplace(now + next.fate.until_told, std::pair{next.ticket, std::move(ended)});
    }
  }

  SlowEngine& engine_;
  store::SessionOwner& owner_;
  std::deque<Waiting> waiting_;
  std::multimap<TimePoint, std::pair<Ticket, Ended>> ended_;  // not told yet
  TimePoint last_{};
};

SlowEngine::SlowEngine(Options options)
    : options_(std::move(options)),
      memory_(options_.bytes_max, store::MemoryEngine::Use::kOneThread) {}

std::unique_ptr<store::Session> SlowEngine::open(store::SessionOwner& owner,
                                                 std::function<void()> /*wake*/) {
  return std::make_unique<Session>(*this, owner);
}

}  // namespace kvmesh::sim
