#include "node/sim/slow_engine.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace kvmesh::sim {
namespace {

using store::Op;
using Ticket = store::SessionOwner::Ticket;

template <typename Answer>
SlowEngine::Ended found(Result<Answer> answer) {
  if (!answer) return {answer.status()};
  return {.status = {}, .found = *std::move(answer)};
}

Result<store::ScanPage> scan(store::MemoryEngine& memory, const Op& op, store::Moment now) {
  const store::ScanWanted wanted{op.more->prefix, op.page.after, op.more->values, op.page.items_max,
                                 op.page.bytes_max};
  for (;;) {
    store::ScanPage page;
    const auto complete = memory.scan(op.bucket, wanted, page, now);
    if (!complete) return complete.status();
    if (*complete) return page;
    (void)memory.expire_some(now);  // those that it has passed over, or the order goes on
  }
}

SlowEngine::Ended execute(store::MemoryEngine& memory, const Op& op, store::Moment now) {
  switch (op.kind) {
    case Op::Kind::kCreate:
      return {memory.create(op.bucket, now,
                            op.more == nullptr ? store::BucketOptions{} : op.more->options)};
    case Op::Kind::kDrop:
      return {memory.drop(op.bucket, now)};
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
      return found(memory.list_keys(op.bucket, op.page, now));
    case Op::Kind::kRead:
      return found(memory.read(op.bucket, op.more->keys, now));
    case Op::Kind::kApply:
      return found(
          memory.apply(op.bucket, {op.more->checks, op.more->changes, op.more->once}, now));
    case Op::Kind::kOptions:
      return found(memory.options(op.bucket, op.more->options, now));
    case Op::Kind::kScan:
      return found(scan(memory, op, now));
    case Op::Kind::kChanges:  // without any, it does not wait
      return found(memory.events(
          op.bucket, {op.more->prefix, op.more->since, op.page.items_max, op.page.bytes_max},
          nullptr, now));
    case Op::Kind::kBuckets:
      return found(memory.list_buckets(op.page));
  }
  return {{StatusCode::kInternal, "an operation of no kind"}};
}

}  // namespace

store::OpResult SlowEngine::Ended::view() const {
  store::OpResult out{.status = status};
  if (value) out.value = *value;
  out.count = count;
  out.found = found ? &*found : nullptr;
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
          more_(op.more == nullptr ? store::OpMore{} : *op.more) {
      for (auto& key : more_.keys) key = keep(key);
      for (auto& check : more_.checks) check.key = keep(check.key);
      for (auto& change : more_.changes) {
        change.key = keep(change.key);
        change.value = keep(change.value);
      }
      more_.once = keep(more_.once);
      more_.prefix = keep(more_.prefix);
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
      out.more = &more_;
      return out;
    }

   private:
    std::string_view keep(std::string_view text) { return kept_.emplace_back(text); }

    Op op_;
    std::string bucket_;
    std::string key_;
    std::string value_;
    std::optional<std::string> after_;
    store::OpMore more_;
    std::deque<std::string> kept_;  // what that points to
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
