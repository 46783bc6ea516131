#include "client/command/transfer/import_owners.h"

#include <algorithm>

#include "client/command/nodes/info_text.h"
#include "common/route_hash.h"
#include "common/route_range.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPause{250};

std::uint8_t first_byte(std::string_view bucket) {
  return static_cast<std::uint8_t>(bucket.front());
}

std::string text_of(ImportOwners::Part part, std::string_view bucket) {
  const auto hash =
      part < ImportOwners::kByHash ? "" : " and have " + hash_text(route_hash(bucket));
  return byte_text(first_byte(bucket)) + hash;
}

ImportOwners::Part part_by_hash(std::string_view bucket) {
  return ImportOwners::kByHash + (std::uint32_t{first_byte(bucket)} << 8U) + route_hash(bucket);
}

}  // namespace

Result<ImportOwners::Told> ImportOwners::told_of(const Value& info, const std::vector<Hop>& trace) {
  Told told;
  told.node = text_at(info, "name");
  told.incarnation = number_at(info, "incarnation");
  if (told.incarnation == 0) told.incarnation = number_at(info, "pid");  // of an older version
  if (told.node.empty() || told.incarnation == 0) {
    return Status{StatusCode::kProtocolError, "the node does not tell its name and incarnation"};
  }
  const auto* store = info.find("store");
  told.keeps = store != nullptr && text_at(*store, "engine") == "durable";
  constexpr std::uint64_t kLongest = 1'000'000'000'000;  // 31 years
  told.uptime =
      milliseconds{static_cast<std::int64_t>(std::min(number_at(info, "uptime_ms"), kLongest))};
  told.by_hash =
      std::ranges::any_of(trace, [](const Hop& hop) { return hop.entry.starts_with("hash:"); });
  return told;
}

bool ImportOwners::is_of(std::string_view bucket, Part part) {
  if (bucket.empty()) return false;
  return part < kByHash ? first_byte(bucket) == part : part_by_hash(bucket) == part;
}

ImportOwners::Part ImportOwners::part_of(std::string_view bucket) const {
  const auto byte = first_byte(bucket);
  return divided_.test(byte) ? part_by_hash(bucket) : byte;
}

bool ImportOwners::asks_first(const std::string& bucket, Time now) {
  if (bucket.empty()) return false;
  auto& state = parts_[part_of(bucket)];
  if (state.phase != Phase::kUnknown || now < state.again) return false;
  state.phase = Phase::kAsked;
  state.bucket = bucket;
  state.asked = now;
  return true;
}

void ImportOwners::on_stored(std::string_view bucket, Time now) {
  const auto part = part_of(bucket);
  auto& state = parts_[part];
  if (!state.stored_since) state.stored_since = now;
  if (state.bucket.empty()) state.bucket = bucket;
  if (part >= kByHash || state.first) return;
  undecided_[first_byte(bucket)].try_emplace(route_hash(bucket), bucket, now);
}

// From now on the byte's hashes are parts of their own, those included of which something was
// stored before that was known.
void ImportOwners::divide(std::uint8_t byte) {
  divided_.set(byte);
  auto asked = parts_.extract(byte);
  const auto asked_part = part_by_hash(asked.mapped().bucket);
  if (!undecided_[byte].empty()) asked.mapped().stored_since.reset();
  parts_.insert_or_assign(asked_part, std::move(asked.mapped()));
  for (auto& [hash, stored] : undecided_[byte]) {
    auto& state = parts_[part_by_hash(stored.first)];
    if (state.bucket.empty()) state.bucket = stored.first;
    state.stored_since = stored.second;
  }
  undecided_.erase(byte);
}

// What is known first may have come after something was stored: then the time says which life of
// the node that was.
void ImportOwners::compare(Part part, const State& state, const Told& told) {
  const bool began_later =
      state.stored_since && state.asked - *state.stored_since > told.uptime + milliseconds{1};
  if (!state.first) {
    if (began_later) note_restart(part, state, told);
    return;
  }
  if (state.first->node != told.node) {
    remarks_.insert("buckets that begin with " + text_of(part, state.bucket) + " belonged to " +
                    state.first->node + " and now belong to " + told.node +
                    ": what was stored before is still at the first");
  } else if (state.first->incarnation != told.incarnation) {
    note_restart(part, state, told);
  }
}

// One whose buckets outlive it has lost nothing, if they did so before, too.
void ImportOwners::note_restart(Part part, const State& state, const Told& told) {
  if (told.keeps && (!state.first || state.first->keeps)) return;
  restarted_.insert(told.node);
  restarts_[part] = state.asked - told.uptime + milliseconds{1};
}

void ImportOwners::on_told(Part part, const Result<Told>& told, Time now) {
  if (told && part < kByHash) {
    const auto byte = static_cast<std::uint8_t>(part);
    if (told->by_hash) {
      const auto asked = part_by_hash(parts_.at(part).bucket);
      divide(byte);
      part = asked;
    }
    undecided_.erase(byte);
  }
  auto& state = parts_.at(part);
  const bool checks = state.phase == Phase::kCheckAsked;
  if (told) {
    compare(part, state, *told);
    if (!state.first) state.first = *told;
    state.phase = checks ? Phase::kChecked : Phase::kKnown;
    return;
  }
  state.phase = state.first ? Phase::kKnown : Phase::kUnknown;
  state.again = now + kPause;
  if (!checks) return;
  if (is_transient(told.status().code()) && now - *checks_since_ < retry_for_) return;
  state.phase = Phase::kChecked;
  remarks_.insert("cannot tell whether the node of buckets that begin with " +
                  text_of(part, state.bucket) +
                  " still has what it stored: " + told.status().to_string());
}

std::optional<ImportOwners::Part> ImportOwners::next_check(Time now) {
  if (!checks_since_) checks_since_ = now;
  for (auto& [part, state] : parts_) {
    const bool waits = state.phase == Phase::kUnknown || state.phase == Phase::kKnown;
    if (!state.stored_since || !waits || now < state.again) continue;
    state.phase = Phase::kCheckAsked;
    state.asked = now;
    return part;
  }
  return std::nullopt;
}

bool ImportOwners::is_checked() const {
  return std::ranges::all_of(parts_, [](const auto& entry) {
    const State& state = entry.second;
    return !state.stored_since || state.phase == Phase::kChecked;
  });
}

}  // namespace kvmesh::command
