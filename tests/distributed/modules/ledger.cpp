// The module `ledger`: tasks that use buckets with revisions over the mesh, as a program would.

#include <kvmesh/plugin.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <kvmesh/module.h>
#include <kvmesh/watcher.h>

namespace {

using kvmesh::Result;
using kvmesh::Status;
using kvmesh::StatusCode;
using kvmesh::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::int64_t number_of(const std::optional<kvmesh::Entry>& entry) {
  return entry ? std::stoll(entry->value) : 0;
}

// Where a failed call is worth another attempt: an id makes it count once.
bool is_for_now(const Status& status) {
  return status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kOverloaded ||
         status.code() == StatusCode::kDeadlineExceeded ||
         status.code() == StatusCode::kOutcomeUnknown;
}

// Moves an amount between two keys, both at once, and counts the attempts that others were faster
// than. The sum of all keys stays what it is.
Result<std::int64_t> transfer(Task& self, const std::string& bucket, const std::string& from,
                              const std::string& to, std::int64_t amount) {
  std::int64_t conflicts = 0;
  while (true) {
    const auto found = self.read(bucket, {from, to}, milliseconds{500});
    if (!found && is_for_now(found.status()) && self.sleep_for(milliseconds{10})) continue;
    if (!found) return found.status();
    const auto& entries = found->entries;
    kvmesh::Apply both;
    both.once = kvmesh::OnceId::make();
    both.checks = {{from, entries[0] ? entries[0]->rev : 0},
                   {to, entries[1] ? entries[1]->rev : 0}};
    both.changes = {kvmesh::Change::put(from, std::to_string(number_of(entries[0]) - amount)),
                    kvmesh::Change::put(to, std::to_string(number_of(entries[1]) + amount))};
    auto applied = self.apply(bucket, both, milliseconds{500});
    while (!applied && is_for_now(applied.status()) && self.sleep_for(milliseconds{10})) {
      applied = self.apply(bucket, both, milliseconds{500});
    }
    if (!applied) return applied.status();
    if (applied->ok()) return conflicts;
    ++conflicts;
  }
}

// The sum of all keys, three keys a page.
Result<std::int64_t> total(Task& self, const std::string& bucket, const std::string& prefix) {
  std::int64_t sum = 0;
  kvmesh::ScanOptions options{.prefix = prefix, .limit = 3};
  while (true) {
    const auto page = self.scan(bucket, options);
    if (!page) return page.status();
    for (const auto& item : page->items) {
      sum += number_of(item.entry);
      options.after = item.key;
    }
    if (!page->more) return sum;
  }
}

// Prints what it is told of a bucket, what is there first, a line for each piece, until it knows
// all and the key "end" is there.
Status follow(Task& self, const std::string& bucket) {
  using Kind = kvmesh::WatchNews::Kind;
  auto watcher = self.watch(bucket, {.scan = true});
  for (bool has_all = false, has_end = false; !has_all || !has_end;) {
    const auto news = watcher.next(seconds{60});
    if (!news) return news.status();
    if (news->kind == Kind::kBegin || news->kind == Kind::kReset) {
      has_all = has_end = false;
      self.print(news->kind == Kind::kBegin ? "begin" : "reset");
    }
    has_all = has_all || news->kind == Kind::kScanned;
    for (const auto& item : news->items) {
      has_end = has_end || item.key == "end";
      self.print("put " + item.key + " " + item.entry.value);
    }
    for (const auto& change : news->changes) {
      has_end = has_end || change.key == "end";
      self.print(std::string{kvmesh::to_string(change.kind)} + " " + change.key + " " +
                 change.value);
    }
  }
  return {};
}

// Changes after a revision, without a watcher: how many, and where to ask on.
Result<std::pair<std::int64_t, std::int64_t>> changes(Task& self, const std::string& bucket,
                                                      std::int64_t since) {
  const auto found = self.changes(bucket, static_cast<std::uint64_t>(since));
  if (!found) return found.status();
  const auto count = found->reset ? -1 : static_cast<std::int64_t>(found->events.size());
  return std::pair{count, static_cast<std::int64_t>(found->next)};
}

kvmesh::Module make() {
  kvmesh::Module ledger{"ledger"};
  ledger.define("transfer", transfer)
      .define("total", total)
      .define("follow", follow)
      .define("changes", changes);
  return ledger;
}

}  // namespace

KVMESH_MODULE(make)
