#include "client/command/backup/amendments.h"

#include <utility>

namespace kvmesh::command {

bool Amendments::note(std::vector<Event> events, const std::optional<std::string>& passed,
                      std::int64_t now_ms) {
  for (auto& event : events) {
    if (event.kind == Event::Kind::kDrop) return false;
    if (passed && event.key > *passed) continue;
    auto& change = changes_[event.key];
    const bool puts = event.kind == Event::Kind::kPut;
    change.is_gone = !puts && event.kind != Event::Kind::kTouch;
    change.record.rev = event.rev;
    change.record.expires_ms.reset();
    if (event.ttl) change.record.expires_ms = now_ms + event.ttl->count();
    if (puts) change.record.value = std::move(event.value);
    // A key that is touched has the value that it had.
    change.has_value = puts || (change.has_value && !change.is_gone);
  }
  return true;
}

void Amendments::amend(std::vector<BackupRecord>& page, bool is_last) {
  std::vector<BackupRecord> out;
  out.reserve(page.size());
  // Takes out all changes of keys before `end`, or all without it.
  const auto add_before = [&](const std::string* end) {
    while (!changes_.empty() && (end == nullptr || changes_.begin()->first < *end)) {
      auto change = changes_.extract(changes_.begin());
      if (change.mapped().is_gone || !change.mapped().has_value) continue;
      out.push_back(std::move(change.mapped().record));
      out.back().key = std::move(change.key());
    }
  };
  for (auto& record : page) {
    add_before(&record.key);
    const auto change = changes_.extract(record.key);
    if (change.empty()) {
      out.push_back(std::move(record));
    } else if (!change.mapped().is_gone) {
      if (change.mapped().has_value) record.value = std::move(change.mapped().record.value);
      record.rev = change.mapped().record.rev;
      record.expires_ms = change.mapped().record.expires_ms;
      out.push_back(std::move(record));
    }
  }
  if (is_last) add_before(nullptr);
  page = std::move(out);
}

}  // namespace kvmesh::command
