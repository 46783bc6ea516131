#include "node/store/memory_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::store {
namespace {

constexpr std::size_t kValueBytesKept = 64 * 1024;

bool has_key(const Op& op) {
  return op.kind == Op::Kind::kPut || op.kind == Op::Kind::kGet || op.kind == Op::Kind::kErase;
}

}  // namespace

void MemorySession::execute(std::span<const Op> ops, TimePoint now) {
  now_ = engine_.moment(now);
  for (std::size_t first = 0; first < ops.size(); first += kTogether) {
    execute_some(ops.subspan(first, std::min(kTogether, ops.size() - first)), first);
  }
}

// What they will read is fetched into the processor's cache while others are still ahead: all at
// once, instead of one after the other.
void MemorySession::execute_some(std::span<const Op> ops, std::size_t first) {
  std::array<Names, kTogether> names;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const bool as_before = i > 0 && ops[i].bucket == names[i - 1].bucket.name;
    names[i].bucket = as_before ? names[i - 1].bucket : HashedName{ops[i].bucket};
    if (has_key(ops[i])) names[i].key = ops[i].key;
  }
  if (ops.size() > 1) {
    for (std::size_t i = 0; i < ops.size(); ++i) {
      if (has_key(ops[i])) engine_.prefetch_place(names[i].bucket, names[i].key);
    }
    for (std::size_t i = 0; i < ops.size(); ++i) {
      if (has_key(ops[i])) engine_.prefetch_record(names[i].bucket, names[i].key);
    }
  }
  for (std::size_t i = 0; i < ops.size(); ++i) execute(ops[i], names[i], first + i);
}

void MemorySession::execute(const Op& op, const Names& names, std::size_t place) {
  switch (op.kind) {
    case Op::Kind::kCreate:
      return owner_.ended(place, {.status = engine_.create(names.bucket, now_)});
    case Op::Kind::kDrop:
      return owner_.ended(place, {.status = engine_.drop(names.bucket)});
    case Op::Kind::kPut:
      return owner_.ended(place, {.status = engine_.put(names.bucket, names.key, op.value, now_)});
    case Op::Kind::kGet:
      return get(names, place);
    case Op::Kind::kErase:
      return owner_.ended(place, {.status = engine_.erase(names.bucket, names.key, now_)});
    case Op::Kind::kCount: {
      const auto keys = engine_.count(names.bucket);
      if (!keys) return owner_.ended(place, {.status = keys.status()});
      return owner_.ended(place, {.count = *keys});
    }
    case Op::Kind::kRead: {
      const auto entries = engine_.read(names.bucket, op.keys, now_);
      return owner_.ended(place,
                          {.status = entries.status(), .entries = entries ? &*entries : nullptr});
    }
    case Op::Kind::kApply: {
      const auto applied = engine_.apply(names.bucket, op.checks, op.changes, now_);
      return owner_.ended(place,
                          {.status = applied.status(), .applied = applied ? &*applied : nullptr});
    }
    case Op::Kind::kKeys:
    case Op::Kind::kBuckets:
      return list(op, names.bucket, place);
  }
}

// The owner may take its time, also for a system call, so it is told without a lock. Where there is
// none, it reads the value where it lies.
void MemorySession::get(const Names& names, std::size_t place) {
  const bool is_shared = engine_.is_shared();
  const auto found = engine_.get(
      names.bucket, names.key,
      [&](std::string_view value) {
        is_shared ? void(value_.assign(value)) : owner_.ended(place, {.value = value});
      },
      now_);
  if (!found || !*found) return owner_.ended(place, {.status = found.status()});
  if (!is_shared) return;
  owner_.ended(place, {.value = value_});
  if (value_.capacity() > kValueBytesKept) value_ = std::string{};
}

// A bucket that does not exist has few keys: none.
bool MemorySession::is_short(const Op& op, const HashedName& bucket) {
  constexpr auto kFew = 2 * MemoryEngine::kScanStep;
  if (op.kind == Op::Kind::kBuckets) return engine_.usage().buckets <= kFew;
  const auto keys = engine_.count(bucket);
  return !keys || *keys <= kFew;
}

void MemorySession::list(const Op& op, const HashedName& bucket, std::size_t place) {
  if (is_short(op, bucket)) {
    const auto page = op.kind == Op::Kind::kBuckets ? engine_.list_buckets(op.page)
                                                    : engine_.list_keys(bucket, op.page, now_);
    return owner_.ended(place, {.status = page.status(), .page = page ? &*page : nullptr});
  }
  if (waiting_.size() >= limits::kPagesWaitingMax) {
    return owner_.ended(place, {.status = {StatusCode::kOverloaded,
                                           std::to_string(waiting_.size()) +
                                               " pages of many names wait here already, the most "
                                               "that may; it was not executed"}});
  }
  if (const auto ticket = owner_.defer(place)) {
    if (waiting_.empty()) wake_();
    waiting_.push_back({*ticket, op.deadline, std::string{op.bucket}, Listing{op.page}});
  }
}

void MemorySession::tick(TimePoint now) {
  engine_.tidy();
  expires_ = engine_.expire_some(engine_.moment(now));
  if (expires_) wake_();
}

bool MemorySession::pass(TimePoint now) {
  if (expires_) expires_ = engine_.expire_some(engine_.moment(now));
  return gather(now) || expires_;
}

// Goes on with the pages that wait.
bool MemorySession::gather(TimePoint now) {
  // The owner has given those up, or is about to.
  while (!waiting_.empty() && waiting_.front().deadline <= now) waiting_.pop_front();
  if (waiting_.empty()) return false;
  auto& first = waiting_.front();
  if (!std::exchange(first.has_begun, true)) owner_.began(first.ticket);
  const auto complete = scan(first, engine_.moment(now));
  if (complete && !*complete) return true;
  Page page;
  if (complete) page = std::move(first.page).finish();
  const auto ticket = first.ticket;
  waiting_.pop_front();
  owner_.ended_later(ticket, {.status = complete.status(), .page = complete ? &page : nullptr});
  return !waiting_.empty();
}

Result<bool> MemorySession::scan(Waiting& waiting, Moment now) {
  if (waiting.bucket.empty()) return engine_.scan_buckets(waiting.page);
  return engine_.scan_keys(waiting.bucket, waiting.page, now);
}

}  // namespace kvmesh::store
