#include "client/command/buckets/entry_text.h"

#include <utility>

#include "client/command/base/escape.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

// The rest of a line about a key.
std::string tail(const MaybeTtl& ttl, std::string_view value) {
  return "\t" + ttl_text(ttl) + "\t" + escape(value);
}

Value::Map event_json(std::uint64_t rev, std::string_view kind) {
  return {{"rev", rev}, {"kind", std::string{kind}}};
}

}  // namespace

std::string ttl_text(const MaybeTtl& ttl) {
  return ttl ? std::to_string(ttl->count()) + "ms" : "-";
}

Value ttl_json(const MaybeTtl& ttl) { return ttl ? Value{std::int64_t{ttl->count()}} : Value{}; }

std::string item_line(const ScanItem& item, Columns columns) {
  std::string out = escape(item.key);
  if (columns != Columns::kKeys) {
    out += "\t" + std::to_string(item.entry.rev) + "\t" + ttl_text(item.entry.ttl);
  }
  if (columns == Columns::kValues) out += "\t" + escape(item.entry.value);
  return out + "\n";
}

Value item_json(std::string_view key, const Entry* entry, Columns columns) {
  Value::Map out{{"key", Bytes{std::string{key}}}};
  if (columns != Columns::kKeys) {
    out.emplace_back("rev", entry != nullptr ? entry->rev : std::uint64_t{0});
    out.emplace_back("ttl_ms", entry != nullptr ? ttl_json(entry->ttl) : Value{});
  }
  if (columns == Columns::kValues) {
    out.emplace_back("value", entry != nullptr ? Value{Bytes{entry->value}} : Value{});
  }
  return out;
}

std::string conflict_text(const Check& check, std::uint64_t rev) {
  const std::string key = "conflict: key " + in_quotes(check.key);
  const std::string end = "; nothing was changed";
  if (rev == 0) return key + " is not there" + end;
  if (check.rev == 0) return key + " is there already, with revision " + std::to_string(rev) + end;
  return key + " has revision " + std::to_string(rev) + ", not " + std::to_string(check.rev) + end;
}

FollowedBucket::FollowedBucket(std::string bucket, WatchOptions options, Form form)
    : bucket_(bucket),
      scans_(options.scan),
      form_(form),
      watch_(std::move(bucket), std::move(options)) {}

remote::BucketWatch::Request FollowedBucket::next() const {
  return watch_.next(limits::kChangesWaitMax);
}

FollowedBucket::Told FollowedBucket::take(Outcome outcome) {
  auto told = watch_.take(std::move(outcome));
  Told out;
  out.pause = told.pause;
  if (told.is_over) {
    out.failed = std::move(told.trouble);
    return out;
  }
  if (!told.trouble.ok()) {
    // What became of a question, which only reads, matters only where it happens again.
    const bool is_lost = told.trouble.code() == StatusCode::kOutcomeUnknown;
    if (is_lost && !trouble_ && !std::exchange(was_lost_, true)) return out;
    if (std::exchange(trouble_, told.trouble.code()) == told.trouble.code()) return out;
    const bool is_gone = told.trouble.code() == StatusCode::kNotFound;
    out.notes.push_back(told.trouble.to_string() +
                        (is_gone ? "; waiting until it is there again" : "; asking again"));
    return out;
  }
  bool was_reset = false;
  for (const auto& news : told.news) {
    out.lines += lines_of(news);
    if (auto note = note_of(news); !note.empty()) out.notes.push_back(std::move(note));
    if (news.rev != 0) told_until_ = news.rev;
    was_reset = was_reset || news.kind == WatchNews::Kind::kReset;
  }
  if (trouble_.has_value() && !was_reset) {
    out.notes.push_back("bucket " + in_quotes(bucket_) + " answers again; no change was missed");
  }
  trouble_.reset();
  was_lost_ = false;
  return out;
}

std::string FollowedBucket::note_of(const WatchNews& news) const {
  const std::string bucket = "bucket " + in_quotes(bucket_);
  switch (news.kind) {
    case WatchNews::Kind::kBegin:
      if (form_.json) return "";
      return scans_ ? "printing what is in " + bucket + ", then each change"
                    : "following " + bucket + " from revision " + std::to_string(news.rev);
    case WatchNews::Kind::kReset:
      return "starting over with " + bucket + ": changes after revision " +
             std::to_string(told_until_) +
             " may be missing, as its node does not know them any more; " +
             (scans_ ? "what is there now follows, and replaces all that was printed before"
                     : "kvmesh scan prints what is there now, and later changes follow here");
    default:
      return "";
  }
}

std::string FollowedBucket::lines_of(const WatchNews& news) const {
  std::string out;
  switch (news.kind) {
    case WatchNews::Kind::kBegin:
    case WatchNews::Kind::kReset: {
      const bool is_begin = news.kind == WatchNews::Kind::kBegin;
      if (form_.json) out = line("", event_json(news.rev, is_begin ? "begin" : "reset"));
      break;
    }
    case WatchNews::Kind::kScanned:
      if (form_.json) out = line("", event_json(news.rev, "scanned"));
      break;
    case WatchNews::Kind::kItems:
      for (const auto& item : news.items) {
        auto json = event_json(item.entry.rev, "item");
        json.emplace_back("key", Bytes{item.key});
        json.emplace_back("ttl_ms", ttl_json(item.entry.ttl));
        json.emplace_back("value", Bytes{item.entry.value});
        out += line(std::to_string(item.entry.rev) + "\titem\t" + escape(item.key) +
                        tail(item.entry.ttl, item.entry.value),
                    std::move(json));
      }
      break;
    case WatchNews::Kind::kChanges:
      for (const auto& event : news.changes) out += line_of(event);
      break;
  }
  return out;
}

std::string FollowedBucket::line_of(const Event& event) const {
  using Kind = Event::Kind;
  auto json = event_json(event.rev, to_string(event.kind));
  std::string text = std::to_string(event.rev) + "\t" + std::string{to_string(event.kind)};
  if (event.kind != Kind::kDrop) {
    text += "\t" + escape(event.key);
    json.emplace_back("key", Bytes{event.key});
  }
  if (event.kind == Kind::kPut || event.kind == Kind::kTouch) {
    text += "\t" + ttl_text(event.ttl);
    json.emplace_back("ttl_ms", ttl_json(event.ttl));
  }
  if (event.kind == Kind::kPut) {
    text += "\t" + escape(event.value);
    json.emplace_back("value", Bytes{event.value});
  }
  return line(text, std::move(json));
}

std::string FollowedBucket::line(std::string_view text, const Value& json) const {
  if (!form_.json)
    return (form_.with_bucket ? escape(bucket_) + "\t" : "") + std::string{text} + "\n";
  Value::Map out{{"bucket", Bytes{bucket_}}};
  const auto& members = *json.get_if<Value::Map>();
  out.insert(out.end(), members.begin(), members.end());
  return Value{std::move(out)}.to_json() + "\n";
}

}  // namespace kvmesh::command
