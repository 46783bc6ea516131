#include "common/remote/bucket_watch.h"

#include <algorithm>
#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::remote {
namespace {

using std::chrono::milliseconds;
using Kind = WatchNews::Kind;

constexpr milliseconds kPauseMin{50};
constexpr milliseconds kPauseMax{1000};

// Failures that time does not mend. Before a watch has begun, all are but those that may pass.
bool is_for_ever(StatusCode code, bool begun) {
  if (!begun) return !is_transient(code);
  switch (code) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kTooLarge:
    case StatusCode::kUndefinedFunction:
    case StatusCode::kProtocolError:
    case StatusCode::kInternal:
    case StatusCode::kCancelled:
    case StatusCode::kDenied:
      return true;
    default:
      return false;
  }
}

}  // namespace

BucketWatch::BucketWatch(std::string bucket, WatchOptions options)
    : bucket_(std::move(bucket)),
      options_(std::move(options)),
      since_(options_.since.value_or(0)) {}

BucketWatch::Request BucketWatch::next(milliseconds wait_max) const {
  if (page_next_) {
    ScanOptions page;
    page.prefix = options_.prefix;
    if (!pages_.empty()) page.after = pages_.back().last;
    return {ops::scan(bucket_, page)};
  }
  ChangesOptions changes;
  changes.prefix = options_.prefix;
  if (begun_ && since_ != 0 && !is_scanning())
    changes.wait = std::min(wait_max, limits::kChangesWaitMax);
  return {ops::changes(bucket_, since_, changes), changes.wait};
}

BucketWatch::Told BucketWatch::take(Outcome outcome) {
  if (page_next_) {
    auto page = scan_page_of(std::move(outcome));
    return page ? take_page(*std::move(page)) : fail(page.status());
  }
  auto events = events_of(std::move(outcome));
  return events ? take_changes(*std::move(events)) : fail(events.status());
}

BucketWatch::Told BucketWatch::fail(Status status) {
  Told out;
  out.is_over = is_for_ever(status.code(), begun_);
  // What was scanned of a bucket that is gone says nothing of the next one.
  if (status.code() == StatusCode::kNotFound && is_scanning()) begin_anew(0);
  out.trouble = std::move(status);
  pause_ = std::clamp(2 * pause_, kPauseMin, kPauseMax);
  out.pause = pause_;
  return out;
}

// From `rev` on, or with 0 from where the node says.
void BucketWatch::begin_anew(std::uint64_t rev) {
  since_ = rev;
  pages_.clear();
  scans_ = page_next_ = options_.scan && rev != 0;
}

BucketWatch::Told BucketWatch::take_page(ScanPage page) {
  Told out;
  pause_ = milliseconds{0};
  scans_ = page.more;
  page_next_ = false;
  pages_.push_back({page.more ? std::optional{page.items.back().key} : std::nullopt, page.rev});
  if (!page.items.empty()) out.news.push_back({Kind::kItems, 0, std::move(page.items), {}});
  return out;
}

BucketWatch::Told BucketWatch::take_changes(Events events) {
  Told out;
  pause_ = milliseconds{0};
  const bool is_first = !std::exchange(begun_, true);
  if (events.reset) {
    const bool is_asked_for = is_first && !options_.since;
    begin_anew(events.next);
    out.news.push_back({is_asked_for ? Kind::kBegin : Kind::kReset, scans_ ? 0 : since_, {}, {}});
    return out;
  }
  if (is_first) out.news.push_back({Kind::kBegin, since_, {}, {}});
  const bool is_dropped = std::ranges::any_of(
      events.events, [](const Event& event) { return event.kind == Event::Kind::kDrop; });
  if (is_dropped && is_scanning()) {
    begin_anew(0);
    return out;
  }
  std::erase_if(events.events, [this](const Event& event) { return !is_to_tell(event); });
  since_ = events.next;
  const bool was_scanning = is_scanning();
  const bool has_all =
      std::ranges::all_of(pages_, [this](const Page& page) { return page.rev <= since_; });
  if (!scans_ && has_all) pages_.clear();
  page_next_ = scans_;
  const auto rev = is_scanning() ? 0 : since_;
  if (!events.events.empty()) {
    out.news.push_back({Kind::kChanges, rev, {}, std::move(events.events)});
  }
  if (was_scanning && !is_scanning()) out.news.push_back({Kind::kScanned, rev, {}, {}});
  return out;
}

bool BucketWatch::is_to_tell(const Event& event) const {
  if (!is_scanning()) return true;
  const auto page = std::ranges::find_if(
      pages_, [&](const Page& one) { return !one.last || event.key <= *one.last; });
  return page != pages_.end() && event.rev > page->rev;
}

}  // namespace kvmesh::remote
