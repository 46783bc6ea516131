#include "node/modules/kv_changes.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/text.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"

namespace kvmesh::modules {
namespace {

using store::Change;
using wire::Reader;

constexpr functions::Argument kArgPrefix{"prefix", limits::kKeyBytesMax};

void pack_or_nil(wire::Buffer& out, std::optional<std::uint64_t> number) {
  number ? wire::pack_uint(out, *number) : wire::pack_nil(out);
}

Status wrong(std::string text) { return {StatusCode::kInvalidArgument, std::move(text)}; }

// "change 3 ", counted from 1.
std::string the(std::string_view what, std::size_t index) {
  return std::string{what} + " " + std::to_string(index + 1) + " ";
}

Status too_many(std::string_view what, std::size_t count, std::size_t most) {
  return {StatusCode::kTooLarge, std::to_string(count) + " " + std::string{what} +
                                     " are over the limit of " + std::to_string(most) +
                                     " of one call"};
}

// Bytes that are an argument of a list.
std::string_view bytes(Reader& in, const functions::Argument& argument, Status& fault) {
  const auto out = in.read_bytes();
  if (out.size() > argument.bytes_max && fault.ok()) {
    fault = {StatusCode::kTooLarge, over_limit(argument.name, out.size(), argument.bytes_max)};
  }
  return out;
}

bool next_is_nil(Reader& in) {
  if (in.peek() != Reader::Type::kNil) return false;
  in.read_nil();
  return true;
}

Status read_check(Reader& in, std::size_t index, store::Check& out) {
  Status fault;
  const auto parts = in.read_array();
  out.key = bytes(in, functions::kArgKey, fault);
  out.rev = in.read_uint();
  if (in.failed() || parts != 2) return wrong(the("check", index) + "is not [key, rev]");
  return fault;
}

// What stands before the time to live of a change, the kind and the key aside.
enum class Between : std::uint8_t { kNothing, kValue, kDelta };

struct Form {
  Change::Kind kind;
  std::string_view text;
  Between between;
  bool has_ttl;
  bool restores = false;
};
constexpr std::array kForms{
    Form{Change::Kind::kPut, "[0, key, value, ttl_ms or nil]", Between::kValue, true},
    Form{Change::Kind::kDelete, "[1, key]", Between::kNothing, false},
    Form{Change::Kind::kAdd, "[2, key, delta, ttl_ms or nil]", Between::kDelta, true},
    Form{Change::Kind::kTouch, "[3, key, ttl_ms or nil]", Between::kNothing, true},
    Form{Change::Kind::kRestore, "[4, key, value, ttl_ms or nil, rev, keep]", Between::kValue, true,
         true},
};

std::uint32_t parts_of(const Form& form) {
  return 2U + (form.between == Between::kNothing ? 0U : 1U) + (form.has_ttl ? 1U : 0U) +
         (form.restores ? 2U : 0U);
}

// What a restored key has beside its value.
Status read_restored(Reader& in, std::size_t index, Change& out) {
  constexpr auto kKeepMax = static_cast<std::uint64_t>(Change::Keep::kNotOlder);
  out.rev = in.read_uint();
  const auto keep = in.read_uint();
  if (in.failed()) return {};
  if (out.rev == 0 || out.rev > limits::kRevisionMax) {
    return wrong(the("change", index) + "has a rev of " + std::to_string(out.rev) +
                 "; it is 1 to " + std::to_string(limits::kRevisionMax));
  }
  if (keep > kKeepMax) {
    return wrong(the("change", index) +
                 "ends with none of 0 (in any case), 1 (if the key is not there), 2 (or is older)");
  }
  out.keep = static_cast<Change::Keep>(keep);
  return {};
}

Status read_change(Reader& in, std::size_t index, Change& out) {
  const auto parts = in.read_array();
  const auto kind = in.read_uint();
  if (in.failed() || parts < 2 || kind >= kForms.size()) {
    return wrong(the("change", index) +
                 "begins with none of 0 (put), 1 (delete), 2 (add), 3 (touch), 4 (restore)");
  }
  const auto& form = kForms[kind];
  out.kind = form.kind;
  Status fault;
  out.key = bytes(in, functions::kArgKey, fault);
  if (form.between == Between::kValue) out.value = bytes(in, functions::kArgValue, fault);
  if (form.between == Between::kDelta) out.delta = in.read_int();
  if (form.has_ttl && !next_is_nil(in)) out.ttl_ms = in.read_uint();
  auto restored = form.restores ? read_restored(in, index, out) : Status{};
  if (in.failed() || parts != parts_of(form)) {
    return wrong(the("change", index) + "is not " + std::string{form.text});
  }
  if (!fault.ok()) return fault;
  if (!restored.ok()) return restored;
  constexpr auto kTtlMax = static_cast<std::uint64_t>(limits::kTtlMax.count());
  if (out.ttl_ms && (*out.ttl_ms == 0 || *out.ttl_ms > kTtlMax)) {
    return wrong(the("change", index) + "has a ttl_ms of " + std::to_string(*out.ttl_ms) +
                 "; it is 1 to " + std::to_string(kTtlMax) + ", or nil");
  }
  return {};
}

// Reads an array of what `read_one(in, index, item)` reads, at most so many.
template <typename Item, typename ReadOne>
Status read_list(Arguments& args, std::string_view what, std::size_t most, std::vector<Item>& out,
                 ReadOne read_one) {
  std::uint32_t count = 0;
  auto& in = args.open_array(count);
  if (count > most) return too_many(what, count, most);
  out.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (auto status = read_one(in, i, out[i]); !status.ok()) return status;
  }
  return {};
}

// As many as the answer of somebody who follows the bucket can hold.
Status check_bytes(std::span<const Change> changes) {
  std::size_t bytes = 0;
  for (const auto& change : changes) bytes += change.key.size() + change.value.size();
  if (bytes <= limits::kApplyBytesMax) return {};
  return {StatusCode::kTooLarge, "keys and values of " + std::to_string(bytes) +
                                     " bytes together are over the limit of " +
                                     std::to_string(limits::kApplyBytesMax) + " of one call"};
}

// Which of two changes of one key would be the last one, the sender should know.
Status check_keys(std::span<const Change> changes) {
  std::vector<std::string_view> keys;
  keys.reserve(changes.size());
  for (const auto& change : changes) keys.push_back(change.key);
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  if (twice == keys.end()) return {};
  return wrong("the key " + in_quotes(*twice) + " is changed twice; a call changes each key once");
}

}  // namespace

void read_keys_to_read(Arguments& args, store::Op& op, KvMore& more) {
  auto& out = more.emplace_back();
  op.more = &out;
  args.refuse(read_list(args, "keys", limits::kReadKeysMax, out.keys,
                        [](Reader& in, std::size_t index, std::string_view& key) {
                          Status fault;
                          key = bytes(in, functions::kArgKey, fault);
                          if (in.failed()) return wrong(the("key", index) + "is not bytes");
                          return fault;
                        }));
}

void read_changes(Arguments& args, store::Op& op, KvMore& more) {
  auto& out = more.emplace_back();
  op.more = &out;
  args.refuse(read_list(args, "checks", limits::kApplyChecksMax, out.checks, read_check));
  args.refuse(read_list(args, "changes", limits::kApplyChangesMax, out.changes, read_change));
  args.refuse(check_keys(out.changes));
  args.refuse(check_bytes(out.changes));
  const bool has_id = args.is_bytes_next();
  out.once = args.optional_bytes({"once", limits::kOnceIdBytes}).value_or("");
  if (has_id && out.once.size() != limits::kOnceIdBytes) {
    args.refuse(wrong("the id of a call to execute once has " + std::to_string(out.once.size()) +
                      " bytes; it has " + std::to_string(limits::kOnceIdBytes)));
  }
}

void read_scan(Arguments& args, store::Op& op, KvMore& more) {
  auto& out = more.emplace_back();
  op.more = &out;
  out.prefix = args.bytes(kArgPrefix);
  op.page.after = args.optional_bytes(functions::kArgAfterKey);
  op.page.items_max = args.optional_uint(0);
  op.page.bytes_max = limits::kPageBytesMax;
  out.values = args.optional_bool(false);
}

void read_follow(Arguments& args, store::Op& op, KvMore& more) {
  auto& out = more.emplace_back();
  op.more = &out;
  out.prefix = args.bytes(kArgPrefix);
  out.since = args.uint();
  op.page.items_max = args.optional_uint(0);
  op.page.bytes_max = limits::kPageBytesMax;
  constexpr auto kMost = static_cast<std::uint64_t>(limits::kChangesWaitMax.count());
  const auto wait = args.optional_uint(0);
  if (wait > kMost) {
    args.refuse(wrong("a wait of " + std::to_string(wait) + " ms is over the limit of " +
                      std::to_string(kMost)));
  }
  out.wait = std::chrono::milliseconds{std::min(wait, kMost)};
}

void read_options(Arguments& args, store::Op& op, KvMore& more) {
  store::BucketOptions options{args.uint_or_nil(), args.uint_or_nil()};
  constexpr auto kTtlMax = static_cast<std::uint64_t>(limits::kTtlMax.count());
  if (options.ttl_ms.value_or(0) > kTtlMax) {
    args.refuse(wrong("a ttl_ms of " + std::to_string(*options.ttl_ms) + " is over the limit of " +
                      std::to_string(kTtlMax)));
  }
  if (options.history_bytes.value_or(0) > limits::kEventRingsBytesMax) {
    args.refuse(wrong("history_bytes of " + std::to_string(*options.history_bytes) +
                      " are over the limit of " + std::to_string(limits::kEventRingsBytesMax)));
  }
  if (op.kind == store::Op::Kind::kCreate && !options.any()) return;
  auto& out = more.emplace_back();
  op.more = &out;
  out.options = options;
}

void pack(wire::Buffer& out, const store::BucketOptions& options) {
  wire::pack_array(out, 2);
  pack_or_nil(out, options.ttl_ms);
  pack_or_nil(out, options.history_bytes);
}

void pack(wire::Buffer& out, const store::Entries& entries) {
  wire::pack_array(out, 2);
  wire::pack_uint(out, entries.rev);
  wire::pack_array(out, entries.entries.size());
  for (const auto& entry : entries.entries) {
    if (!entry) {
      wire::pack_nil(out);
      continue;
    }
    wire::pack_array(out, 3);
    wire::pack_uint(out, entry->rev);
    wire::pack_bin(out, entry->value);
    pack_or_nil(out, entry->ttl_ms);
  }
}

void pack(wire::Buffer& out, const store::Applied& applied) {
  const bool done = !applied.failed;
  wire::pack_array(out, done ? 3 : 4);
  wire::pack_bool(out, done);
  wire::pack_uint(out, applied.rev);
  if (!done) {
    wire::pack_uint(out, *applied.failed);
    return wire::pack_uint(out, applied.failed_rev);
  }
  wire::pack_array(out, applied.each.size());
  for (const auto& each : applied.each) {
    each.number ? wire::pack_int(out, *each.number) : wire::pack_bool(out, each.was_there);
  }
}

void pack(wire::Buffer& out, const store::ScanPage& page) {
  wire::pack_array(out, 3);
  wire::pack_bool(out, page.more);
  wire::pack_uint(out, page.rev);
  wire::pack_array(out, page.items.size());
  for (const auto& [key, entry] : page.items) {
    wire::pack_array(out, page.values ? 4 : 3);
    wire::pack_bin(out, key);
    wire::pack_uint(out, entry.rev);
    pack_or_nil(out, entry.ttl_ms);
    if (page.values) wire::pack_bin(out, entry.value);
  }
}

void pack(wire::Buffer& out, const store::Events& events) {
  wire::pack_array(out, 3);
  wire::pack_bool(out, events.reset);
  wire::pack_uint(out, events.next);
  wire::pack_array(out, events.events.size());
  for (const auto& event : events.events) {
    using Kind = store::Event::Kind;
    const bool can_expire = event.kind == Kind::kPut || event.kind == Kind::kTouch;
    wire::pack_array(out, event.kind == Kind::kPut     ? 5
                          : event.kind == Kind::kTouch ? 4
                          : event.kind == Kind::kDrop  ? 2
                                                       : 3);
    wire::pack_uint(out, event.rev);
    wire::pack_uint(out, static_cast<std::uint64_t>(event.kind));
    if (event.kind == Kind::kDrop) continue;
    wire::pack_bin(out, event.key);
    if (can_expire) pack_or_nil(out, event.ttl_ms(events.now));
    if (event.kind == Kind::kPut) wire::pack_bin(out, event.value);
  }
}

}  // namespace kvmesh::modules
