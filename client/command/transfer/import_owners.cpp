#include "client/command/transfer/import_owners.h"

#include <algorithm>

#include "client/command/nodes/info_text.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPause{250};

std::uint8_t first_byte(std::string_view bucket) {
  return static_cast<std::uint8_t>(bucket.front());
}

}  // namespace

Result<ImportOwners::Told> ImportOwners::told_of(const Value& info) {
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
  return told;
}

bool ImportOwners::asks_first(const std::string& bucket, Time now) {
  if (bucket.empty()) return false;
  auto& byte = bytes_[first_byte(bucket)];
  if (byte.phase != Phase::kUnknown || now < byte.again) return false;
  byte.phase = Phase::kAsked;
  byte.bucket = bucket;
  byte.asked = now;
  return true;
}

void ImportOwners::on_stored(std::string_view bucket, Time now) {
  auto& since = bytes_[first_byte(bucket)].stored_since;
  if (!since) since = now;
}

// What is known first may have come after something was stored: then the time says which life of
// the node that was.
void ImportOwners::compare(const Byte& byte, const Told& told) {
  const bool began_later =
      byte.stored_since && byte.asked - *byte.stored_since > told.uptime + milliseconds{1};
  if (!byte.first) {
    if (began_later) note_restart(byte, told);
    return;
  }
  if (byte.first->node != told.node) {
    remarks_.insert("buckets that begin with " + byte_text(first_byte(byte.bucket)) +
                    " belonged to " + byte.first->node + " and now belong to " + told.node +
                    ": what was stored before is still at the first");
  } else if (byte.first->incarnation != told.incarnation) {
    note_restart(byte, told);
  }
}

// One whose buckets outlive it has lost nothing, if they did so before, too.
void ImportOwners::note_restart(const Byte& byte, const Told& told) {
  if (told.keeps && (!byte.first || byte.first->keeps)) return;
  restarted_.insert(told.node);
  restarts_[first_byte(byte.bucket)] = byte.asked - told.uptime + milliseconds{1};
}

void ImportOwners::on_told(std::uint8_t at, const Result<Told>& told, Time now) {
  auto& byte = bytes_[at];
  const bool checks = byte.phase == Phase::kCheckAsked;
  if (told) {
    compare(byte, *told);
    if (!byte.first) byte.first = *told;
    byte.phase = checks ? Phase::kChecked : Phase::kKnown;
    return;
  }
  byte.phase = byte.first ? Phase::kKnown : Phase::kUnknown;
  byte.again = now + kPause;
  if (!checks) return;
  if (is_transient(told.status().code()) && now - *checks_since_ < retry_for_) return;
  byte.phase = Phase::kChecked;
  remarks_.insert("cannot tell whether the node of buckets that begin with " + byte_text(at) +
                  " still has what it stored: " + told.status().to_string());
}

std::optional<std::uint8_t> ImportOwners::next_check(Time now) {
  if (!checks_since_) checks_since_ = now;
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    auto& byte = bytes_[at];
    const bool waits = byte.phase == Phase::kUnknown || byte.phase == Phase::kKnown;
    if (!byte.stored_since || !waits || now < byte.again) continue;
    byte.phase = Phase::kCheckAsked;
    byte.asked = now;
    return static_cast<std::uint8_t>(at);
  }
  return std::nullopt;
}

bool ImportOwners::is_checked() const {
  return std::ranges::all_of(
      bytes_, [](const Byte& byte) { return !byte.stored_since || byte.phase == Phase::kChecked; });
}

}  // namespace kvmesh::command
