#include <kvmesh/buckets.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/functions.h"

namespace kvmesh {
namespace {

using std::chrono::milliseconds;
using MaybeTime = std::optional<milliseconds>;

Value bytes(std::string_view data) { return Bytes{std::string{data}}; }
Value time_or_nil(const MaybeTime& time) {
  return time ? Value{std::int64_t{time->count()}} : Value{};
}

Operation on_bucket(std::string_view bucket, std::string function, Value::List args) {
  return {Operation::For::kBucket, std::string{bucket}, std::move(function), std::move(args)};
}

Value to_value(const Change& change) {
  using Kind = Change::Kind;
  Value::List out{std::int64_t{static_cast<int>(change.kind)}, bytes(change.key)};
  const bool restores = change.kind == Kind::kRestore;
  if (change.kind == Kind::kPut || restores) out.push_back(bytes(change.value));
  if (change.kind == Kind::kAdd) out.emplace_back(change.delta);
  if (change.kind != Kind::kErase) out.push_back(time_or_nil(change.ttl));
  if (restores) out.emplace_back(change.rev);
  if (restores) out.emplace_back(std::int64_t{static_cast<int>(change.keep)});
  return out;
}

Value::List to_values(const BucketOptions& options) {
  return {time_or_nil(options.ttl),
          options.history_bytes ? Value{*options.history_bytes} : Value{}};
}

// Takes an answer apart, part after part. What is not as wanted fails it, and gives something empty
// from then on.
class Parts {
 public:
  explicit Parts(Value& list) : list_(list.get_if<Value::List>()) { failed_ = list_ == nullptr; }

  std::size_t left() const { return failed_ ? 0 : list_->size() - at_; }
  bool failed() const { return failed_; }
  void fail() { failed_ = true; }

  Value* next() {
    if (left() > 0) return &(*list_)[at_++];
    failed_ = true;
    return nullptr;
  }
  bool flag() {
    const auto* value = next();
    const auto* held = value == nullptr ? nullptr : value->get_if<bool>();
    failed_ = failed_ || held == nullptr;
    return held != nullptr && *held;
  }
  std::uint64_t number() {
    const auto* value = next();
    const auto held = value == nullptr ? std::nullopt : value->to_uint();
    failed_ = failed_ || !held;
    return held.value_or(0);
  }
  std::optional<std::uint64_t> number_or_nil() {
    const auto* value = next();
    if (value == nullptr || value->is_nil()) return std::nullopt;
    const auto held = value->to_uint();
    failed_ = failed_ || !held;
    return held;
  }
  std::string text() {
    auto* value = next();
    auto* held = value == nullptr ? nullptr : value->get_if<Bytes>();
    failed_ = failed_ || held == nullptr;
    return held == nullptr ? std::string{} : std::move(held->data);
  }
  MaybeTime time() {
    const auto* value = next();
    if (value == nullptr || value->is_nil()) return std::nullopt;
    const auto held = value->to_uint();
    constexpr auto kMost = static_cast<std::uint64_t>(limits::kTtlMax.count());
    failed_ = failed_ || !held;
    return milliseconds{static_cast<std::int64_t>(std::min(held.value_or(0), kMost))};
  }
  // The items of a list, each read by `read_one(value, ok)`.
  template <typename Item, typename ReadOne>
  std::vector<Item> list(ReadOne read_one) {
    std::vector<Item> out;
    auto* value = next();
    auto* items = value == nullptr ? nullptr : value->get_if<Value::List>();
    if (items == nullptr) {
      failed_ = true;
      return out;
    }
    out.reserve(items->size());
    for (auto& item : *items) {
      bool ok = true;
      out.push_back(read_one(item, ok));
      failed_ = failed_ || !ok;
    }
    return out;
  }

 private:
  Value::List* list_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

// What `read(parts)` makes of the answer.
template <typename T, typename Read>
Result<T> result_of(Outcome outcome, const functions::Function& function, Read read) {
  if (!outcome.status.ok()) return std::move(outcome.status);
  Parts parts{outcome.result};
  T out = read(parts);
  if (!parts.failed()) return out;
  return Status{StatusCode::kProtocolError,
                "the node's answer to " + function.str() + " is not what it should be"};
}

std::optional<Entry> read_entry(Value& value, bool& ok) {
  if (value.is_nil()) return std::nullopt;
  Parts parts{value};
  Entry out;
  out.rev = parts.number();
  out.value = parts.text();
  out.ttl = parts.time();
  ok = !parts.failed();
  return out;
}

Applied::Done read_done(Value& value, bool& ok) {
  if (const auto* was_there = value.get_if<bool>()) return {*was_there, std::nullopt};
  const auto* number = value.get_if<std::int64_t>();
  ok = number != nullptr;
  return {false, ok ? std::optional{*number} : std::nullopt};
}

ScanItem read_item(Value& value, bool& ok) {
  Parts parts{value};
  ScanItem out;
  out.key = parts.text();
  out.entry.rev = parts.number();
  out.entry.ttl = parts.time();
  if (parts.left() > 0) out.entry.value = parts.text();
  ok = !parts.failed();
  return out;
}

Event read_event(Value& value, bool& ok) {
  using Kind = Event::Kind;
  Parts parts{value};
  Event out;
  out.rev = parts.number();
  const auto kind = parts.number();
  if (kind > static_cast<std::uint64_t>(Kind::kDrop)) parts.fail();
  out.kind = static_cast<Kind>(kind);
  if (out.kind != Kind::kDrop) out.key = parts.text();
  if (out.kind == Kind::kPut || out.kind == Kind::kTouch) out.ttl = parts.time();
  if (out.kind == Kind::kPut) out.value = parts.text();
  ok = !parts.failed();
  return out;
}

constexpr std::string_view kHexDigits = "0123456789abcdef";

}  // namespace

Change Change::put(std::string key, std::string value, Ttl ttl) {
  return {Kind::kPut, std::move(key), std::move(value), 0, ttl};
}
Change Change::erase(std::string key) { return {Kind::kErase, std::move(key), {}, 0, {}}; }
Change Change::add(std::string key, std::int64_t delta, Ttl ttl) {
  return {Kind::kAdd, std::move(key), {}, delta, ttl};
}
Change Change::touch(std::string key, Ttl ttl) {
  return {Kind::kTouch, std::move(key), {}, 0, ttl};
}
Change Change::restore(std::string key, std::string value, std::uint64_t rev, Keep keep, Ttl ttl) {
  return {Kind::kRestore, std::move(key), std::move(value), 0, ttl, rev, keep};
}

std::optional<OnceId> OnceId::parse(std::string_view text) {
  std::string out;
  int digits = 0;
  int high = 0;
  for (const char c : text) {
    if (c == '-' && digits > 0 && digits % 2 == 0) continue;
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const auto digit = kHexDigits.find(lower);
    if (digit == std::string_view::npos) return std::nullopt;
    if (digits++ % 2 == 0) {
      high = static_cast<int>(digit) * 16;
    } else {
      out.push_back(static_cast<char>(high + static_cast<int>(digit)));
    }
  }
  if (digits % 2 != 0 || out.size() != limits::kOnceIdBytes) return std::nullopt;
  return OnceId{std::move(out)};
}

std::string OnceId::to_string() const {
  std::string out;
  for (const char c : bytes_) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kHexDigits[byte / 16]);
    out.push_back(kHexDigits[byte % 16]);
  }
  return out;
}

std::string_view to_string(Event::Kind kind) {
  constexpr std::array<std::string_view, 5> kNames = {"put", "delete", "touch", "expire", "drop"};
  return kNames.at(static_cast<std::size_t>(kind));
}

namespace ops {

Operation read(std::string_view bucket, const std::vector<std::string>& keys) {
  Value::List list;
  list.reserve(keys.size());
  for (const auto& key : keys) list.push_back(bytes(key));
  return on_bucket(bucket, functions::kKvRead.str(), {std::move(list)});
}

Operation apply(std::string_view bucket, const Apply& apply) {
  Value::List checks;
  for (const auto& check : apply.checks) {
    checks.push_back(Value::List{bytes(check.key), check.rev});
  }
  Value::List changes;
  for (const auto& change : apply.changes) changes.push_back(to_value(change));
  return on_bucket(
      bucket, functions::kKvApply.str(),
      {std::move(checks), std::move(changes), apply.once ? bytes(apply.once->bytes()) : Value{}});
}

Operation scan(std::string_view bucket, const ScanOptions& options) {
  return on_bucket(bucket, functions::kKvScan.str(),
                   {bytes(options.prefix), options.after ? bytes(*options.after) : Value{},
                    options.limit, options.values});
}

Operation changes(std::string_view bucket, std::uint64_t since, const ChangesOptions& options) {
  return on_bucket(bucket, functions::kKvChanges.str(),
                   {bytes(options.prefix), since, options.limit,
                    std::int64_t{std::max(options.wait, milliseconds{0}).count()}});
}

Operation create(std::string_view bucket, const BucketOptions& options) {
  return on_bucket(bucket, functions::kKvCreate.str(), to_values(options));
}

Operation options(std::string_view bucket, const BucketOptions& change) {
  return on_bucket(bucket, functions::kKvOptions.str(), to_values(change));
}

}  // namespace ops

Result<BucketOptions> options_of(Outcome outcome) {
  return result_of<BucketOptions>(std::move(outcome), functions::kKvOptions, [](Parts& parts) {
    BucketOptions out;
    out.ttl = parts.time();
    out.history_bytes = parts.number_or_nil();
    return out;
  });
}

Result<Entries> entries_of(Outcome outcome) {
  return result_of<Entries>(std::move(outcome), functions::kKvRead, [](Parts& parts) {
    Entries out;
    out.rev = parts.number();
    out.entries = parts.list<std::optional<Entry>>(read_entry);
    return out;
  });
}

Result<Applied> applied_of(Outcome outcome) {
  return result_of<Applied>(std::move(outcome), functions::kKvApply, [](Parts& parts) {
    Applied out;
    const bool ok = parts.flag();
    out.rev = parts.number();
    if (ok) {
      out.done = parts.list<Applied::Done>(read_done);
    } else {
      const auto check = static_cast<std::size_t>(parts.number());
      out.conflict = {check, parts.number()};
    }
    return out;
  });
}

Result<ScanPage> scan_page_of(Outcome outcome) {
  return result_of<ScanPage>(std::move(outcome), functions::kKvScan, [](Parts& parts) {
    ScanPage out;
    out.more = parts.flag();
    out.rev = parts.number();
    out.items = parts.list<ScanItem>(read_item);
    if (out.more && out.items.empty()) parts.fail();  // nothing to go on after
    return out;
  });
}

Result<Events> events_of(Outcome outcome) {
  return result_of<Events>(std::move(outcome), functions::kKvChanges, [](Parts& parts) {
    Events out;
    out.reset = parts.flag();
    out.next = parts.number();
    out.events = parts.list<Event>(read_event);
    return out;
  });
}

Timeout changes_timeout(const ChangesOptions& options, Timeout timeout) {
  return std::max(options.wait, milliseconds{0}) + timeout.duration;
}

}  // namespace kvmesh
