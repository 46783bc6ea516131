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
  turn_.now = engine_.moment(now);
  for (std::size_t first = 0; first < ops.size(); first += kTogether) {
    execute_some(ops.subspan(first, std::min(kTogether, ops.size() - first)), first, now);
  }
}

// What they will read is fetched into the processor's cache while others are still ahead: all at
// once, instead of one after the other.
void MemorySession::execute_some(std::span<const Op> ops, std::size_t first, TimePoint now) {
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
  for (std::size_t i = 0; i < ops.size(); ++i) execute(ops[i], names[i], first + i, now);
}

void MemorySession::execute(const Op& op, const Names& names, std::size_t place, TimePoint now) {
  switch (op.kind) {
    case Op::Kind::kCreate:
      return owner_.ended(place, {.status = engine_.create(
                                      names.bucket, turn_,
                                      op.more == nullptr ? BucketOptions{} : op.more->options)});
    case Op::Kind::kDrop:
      return owner_.ended(place, {.status = engine_.drop(names.bucket, turn_)});
    case Op::Kind::kPut:
      return owner_.ended(place, {.status = engine_.put(names.bucket, names.key, op.value, turn_)});
    case Op::Kind::kGet:
      return get(names, place);
    case Op::Kind::kErase:
      return owner_.ended(place, {.status = engine_.erase(names.bucket, names.key, turn_)});
    case Op::Kind::kCount: {
      const auto keys = engine_.count(names.bucket, turn_);
      if (!keys) return owner_.ended(place, {.status = keys.status()});
      return owner_.ended(place, {.count = *keys});
    }
    case Op::Kind::kRead:
      return end(place, engine_.read(names.bucket, op.more->keys, turn_));
    case Op::Kind::kApply: {
      const auto& more = *op.more;
      return end(place, engine_.apply(names.bucket, {more.checks, more.changes, more.once}, turn_));
    }
    case Op::Kind::kOptions:
      return end(place, engine_.options(names.bucket, op.more->options, turn_));
    case Op::Kind::kScan:
      return scan(op, names.bucket, place);
    case Op::Kind::kChanges:
      return tell_changes(op, names.bucket, place, now);
    case Op::Kind::kKeys:
    case Op::Kind::kBuckets:
      return list(op, names.bucket, place);
  }
}

template <typename Answer>
void MemorySession::end(std::size_t place, Result<Answer> answer) {
  if (!answer) return owner_.ended(place, {.status = answer.status()});
  const Found found{*std::move(answer)};
  owner_.ended(place, {.found = &found});
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
      turn_);
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
  const auto visible = op.more == nullptr ? NameFilter{} : op.more->visible;
  if (!is_short(op, bucket)) return wait(op, place, Listing{op.page, visible});
  end(place, op.kind == Op::Kind::kBuckets ? engine_.list_buckets(op.page, turn_, visible)
                                           : engine_.list_keys(bucket, op.page, turn_));
}

void MemorySession::scan(const Op& op, const HashedName& bucket, std::size_t place) {
  ScanWanted wanted{op.more->prefix, op.page.after, op.more->values, op.page.items_max,
                    op.page.bytes_max};
  ScanPage page;
  const auto complete = engine_.scan(bucket, wanted, page, turn_);
  if (!complete) return owner_.ended(place, {.status = complete.status()});
  if (*complete) return end<ScanPage>(place, std::move(page));
  Scan kept{std::string{wanted.prefix}, std::nullopt, wanted};
  if (wanted.after) kept.after = *wanted.after;
  if (!page.passed.empty()) kept.after = std::move(page.passed);
  wait(op, place, std::move(kept));
}

// For a page that is gathered in slices.
template <typename Kept>
void MemorySession::wait(const Op& op, std::size_t place, Kept kept) {
  if (waiting_.size() >= limits::kPagesWaitingMax) {
    return owner_.ended(place, {.status = {StatusCode::kOverloaded,
                                           std::to_string(waiting_.size()) +
                                               " pages of many names wait here already, the most "
                                               "that may; it was not executed"}});
  }
  if (const auto ticket = owner_.defer(place)) {
    if (waiting_.empty()) wake_();
    waiting_.push_back({*ticket, op.deadline, std::string{op.bucket}, std::move(kept)});
  }
}

// Without any it waits; not until its deadline, as the answer has a way to go.
void MemorySession::tell_changes(const Op& op, const HashedName& bucket, std::size_t place,
                                 TimePoint now) {
  const EventsWanted wanted{op.more->prefix, op.more->since, op.page.items_max, op.page.bytes_max};
  const auto wait = std::min<TimePoint::duration>(op.more->wait, (op.deadline - now) / 10 * 9);
  const bool waits = wait.count() > 0;
  auto events = engine_.events(bucket, wanted, waits ? &polls_ : nullptr, turn_);
  if (!waits || !events || events->reset || !events->events.empty()) {
    return end(place, std::move(events));
  }
  if (!engine_.park()) {
    polls_.give_up(bucket.name);
    return owner_.ended(place, {.status = {StatusCode::kOverloaded,
                                           std::to_string(limits::kFollowersMax) +
                                               " calls wait for changes here already, the most "
                                               "that may; it was not executed"}});
  }
  if (const auto ticket = owner_.defer(place))
    return polls_.add(*ticket, bucket.name, wanted, now + wait);
  polls_.give_up(bucket.name);
  engine_.unpark(1);
}

void MemorySession::tick(TimePoint now) {
  constexpr int kTidies = 8;
  tidies_ = engine_.tidy() ? kTidies - 1 : 0;
  turn_.now = engine_.moment(now);
  expires_ = engine_.expire_some(turn_);
  if (expires_ || tidies_ > 0) wake_();
  polls_.tick(now, turn_.room);
}

bool MemorySession::pass(TimePoint now) {
  turn_.now = engine_.moment(now);
  if (expires_) expires_ = engine_.expire_some(turn_);
  if (tidies_ > 0) tidies_ = engine_.tidy() ? tidies_ - 1 : 0;
  const bool more_news = polls_.pass(now, turn_.room);
  return gather(now) || more_news || expires_ || tidies_ > 0;
}

// Goes on with the pages that wait.
bool MemorySession::gather(TimePoint now) {
  // The owner has given those up, or is about to.
  while (!waiting_.empty() && waiting_.front().deadline <= now) waiting_.pop_front();
  if (waiting_.empty()) return false;
  auto& first = waiting_.front();
  if (!std::exchange(first.has_begun, true)) owner_.began(first.ticket);
  Status status;
  Found found;
  const bool has_ended = gather_some(first, status, found);
  if (turn_.room != nullptr) {
    first.seen = std::max(first.seen, turn_.room->take_seen());
    turn_.room->saw(first.seen);
  }
  if (!has_ended) return true;
  const auto ticket = first.ticket;
  waiting_.pop_front();
  owner_.ended_later(ticket, {.status = status, .found = status.ok() ? &found : nullptr});
  return !waiting_.empty();
}

// Whether it has ended: with the page, or with what is in its way.
bool MemorySession::gather_some(Waiting& waiting, Status& status, Found& found) {
  const auto keep = [&](const Result<bool>& complete) {
    if (!complete) status = complete.status();
    return !complete || *complete;
  };
  if (auto* scan = std::get_if<Scan>(&waiting.page)) {
    scan->wanted.prefix = scan->prefix;
    if (scan->after) scan->wanted.after = *scan->after;
    ScanPage page;
    if (!keep(engine_.scan(waiting.bucket, scan->wanted, page, turn_))) {
      if (!page.passed.empty()) scan->after = std::move(page.passed);
      return false;
    }
    found = std::move(page);
    return true;
  }
  auto& listing = std::get<Listing>(waiting.page);
  const bool has_ended =
      keep(waiting.bucket.empty() ? Result<bool>{engine_.scan_buckets(listing, turn_)}
                                  : engine_.scan_keys(waiting.bucket, listing, turn_));
  if (has_ended) found = std::move(listing).finish();
  return has_ended;
}

}  // namespace kvmesh::store
