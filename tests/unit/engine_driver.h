#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/store/engine.h"

namespace kvmesh::store {

/// How an operation ended, as values.
struct EndedOp {
  StatusCode code = StatusCode::kOk;
  std::optional<std::string> value{};
  std::optional<std::uint64_t> count{};
  std::optional<Found> found{};
  bool operator==(const EndedOp&) const = default;

  /// What was found, if it is of that kind; else nothing.
  template <typename Kind>
  Kind get() const {
    const auto* kind = found ? std::get_if<Kind>(&*found) : nullptr;
    return kind == nullptr ? Kind{} : *kind;
  }
};

inline void PrintTo(const EndedOp& ended, std::ostream* out) {
  *out << to_string(ended.code) << " value " << ended.value.value_or("none") << " count "
       << ended.count.value_or(0) << " found " << (ended.found ? ended.found->index() : 99);
}

/// Submits operations to an engine and keeps how each ended. `now` stands still unless finish()
/// moves it. Fails the test when an operation ends twice, or not at all.
class EngineDriver final : private SessionOwner {
 public:
  EngineDriver(Engine& engine, TimePoint& now) : session_(engine.open(*this, [] {})), now_(now) {}

  /// What these end with, which come together. Those that never end have no value. REQUIRES:
  /// nothing that was submitted before is left.
  std::vector<std::optional<EndedOp>> execute(const std::vector<Op>& ops) {
    ended_.clear();
    submit(ops);
    finish();
    return ended_;
  }
  EndedOp execute(const Op& op) {
    const auto ended = execute(std::vector{op});
    EXPECT_TRUE(ended[0]) << "the operation never ended";
    return ended[0].value_or(EndedOp{StatusCode::kInternal});
  }

  /// The same in two steps.
  void submit(const std::vector<Op>& ops) {
    first_ = ended_.size();
    ended_.resize(first_ + ops.size());
    std::vector<Op> timed = ops;
    for (auto& op : timed) {
      if (op.deadline == TimePoint{}) op.deadline = TimePoint::max();
    }
    session_->execute(timed, now_);
  }
  void tick() { session_->tick(now_); }
  void pass() { session_->pass(now_); }
  /// What has not ended yet never will.
  void forget() { left_ = 0; }
  void finish() {
    for (int passes = 0; passes < 2000 && left_ > 0; ++passes) {
      if (!session_->pass(now_)) now_ += std::chrono::milliseconds{1};
    }
  }
  const std::vector<std::optional<EndedOp>>& ended() const { return ended_; }

 private:
  void ended(std::size_t place, const OpResult& result) override { keep(first_ + place, result); }
  std::optional<Ticket> defer(std::size_t place) override {
    ++left_;
    return Ticket{first_ + place};
  }
  void began(Ticket /*ticket*/) override {}
  void ended_later(Ticket ticket, const OpResult& result) override {
    --left_;
    keep(static_cast<std::size_t>(ticket.value), result);
  }
  void keep(std::size_t place, const OpResult& result) {
    ASSERT_LT(place, ended_.size());
    ASSERT_FALSE(ended_[place]) << "ended twice";
    EndedOp out{result.status.code()};
    if (result.value) out.value = std::string{*result.value};
    out.count = result.count;
    if (result.found != nullptr) out.found = *result.found;
    ended_[place] = std::move(out);
  }

  std::unique_ptr<Session> session_;
  TimePoint& now_;
  std::size_t first_ = 0;  // place of the first of those that were submitted last
  std::size_t left_ = 0;   // that end later
  std::vector<std::optional<EndedOp>> ended_;
};

namespace op {

inline Op of(Op::Kind kind, std::string_view bucket, std::string_view key = {},
             std::string_view value = {}) {
  Op out;
  out.kind = kind;
  out.bucket = bucket;
  out.key = key;
  out.value = value;
  return out;
}
inline Op create(std::string_view bucket) { return of(Op::Kind::kCreate, bucket); }
inline Op drop(std::string_view bucket) { return of(Op::Kind::kDrop, bucket); }
inline Op put(std::string_view bucket, std::string_view key, std::string_view value) {
  return of(Op::Kind::kPut, bucket, key, value);
}
inline Op get(std::string_view bucket, std::string_view key) {
  return of(Op::Kind::kGet, bucket, key);
}
inline Op erase(std::string_view bucket, std::string_view key) {
  return of(Op::Kind::kErase, bucket, key);
}
inline Op count(std::string_view bucket) { return of(Op::Kind::kCount, bucket); }
inline Op keys(std::string_view bucket, PageLimits page) {
  auto out = of(Op::Kind::kKeys, bucket);
  out.page = page;
  return out;
}
/// Of those that have more. REQUIRES: that lives until it is submitted.
inline Op with(Op::Kind kind, std::string_view bucket, const OpMore& more, PageLimits page = {}) {
  auto out = of(kind, bucket);
  out.more = &more;
  out.page = page;
  return out;
}
inline Op buckets(PageLimits page) {
  auto out = of(Op::Kind::kBuckets, {});
  out.page = page;
  return out;
}

}  // namespace op

namespace change {

inline Change put(std::string_view key, std::string_view value,
                  std::optional<std::uint64_t> ttl_ms = std::nullopt) {
  return {Change::Kind::kPut, key, value, 0, ttl_ms};
}
inline Change erase(std::string_view key) { return {Change::Kind::kDelete, key, {}, 0, {}}; }
inline Change add(std::string_view key, std::int64_t delta,
                  std::optional<std::uint64_t> ttl_ms = std::nullopt) {
  return {Change::Kind::kAdd, key, {}, delta, ttl_ms};
}
inline Change touch(std::string_view key, std::optional<std::uint64_t> ttl_ms) {
  return {Change::Kind::kTouch, key, {}, 0, ttl_ms};
}
inline Change restore(std::string_view key, std::string_view value, Revision rev,
                      Change::Keep keep = Change::Keep::kNone,
                      std::optional<std::uint64_t> ttl_ms = std::nullopt) {
  return {Change::Kind::kRestore, key, value, 0, ttl_ms, rev, keep};
}

}  // namespace change
}  // namespace kvmesh::store
