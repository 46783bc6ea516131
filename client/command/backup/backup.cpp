#include "client/command/backup/backup.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "client/command/backup/backup_reader.h"
#include "client/command/backup/backup_writer.h"
#include "client/command/backup/bucket_copy.h"
#include "client/command/backup/manifest.h"
#include "client/command/backup/restore_state.h"
#include "client/command/base/interrupts.h"
#include "client/command/base/numbers.h"
#include "client/command/buckets/bucket_list.h"
#include "client/command/nodes/info_text.h"
#include "client/command/transfer/patient_reads.h"
#include "client/command/transfer/progress.h"
#include "client/command/transfer/record.h"
#include "client/command/verify/live_mesh.h"
#include "client/verify/findings.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::steady_clock;

// First pages of so many buckets are asked for at once. More would save round trips where buckets
// are small, and hold others up where they are not.
constexpr std::size_t kFirstPagesAtOnce = 8;
constexpr std::uint32_t kNamesAtOnce = 1024;
constexpr std::size_t kMissingTold = 20;

class Backup {
 public:
  Backup(Session& session, Client& client, const BackupOptions& options, BackupWriter to)
      : session_(session),
        client_(client),
        options_(options),
        to_(std::move(to)),
        copy_(session, client, options.folder) {
    manifest_.begun_ms = ms_since_1970();
    if (!options.of.empty()) manifest_.of = options.of;
    if (options.range) manifest_.range = options.range->to_string();
  }

  int run(const LiveMesh& mesh) {
    note(mesh);
    auto list =
        MeshBuckets::of(session_, mesh, options_.range ? names_in(*options_.range) : NameBounds{});
    while (!broken_off() && failure_.ok()) {
      const auto names = list.next(kNamesAtOnce).names;
      if (names.empty()) break;
      for (std::size_t at = 0; at < names.size() && !broken_off() && failure_.ok();) {
        const auto count = std::min(kFirstPagesAtOnce, names.size() - at);
        take_group({names.begin() + static_cast<std::ptrdiff_t>(at),
                    names.begin() + static_cast<std::ptrdiff_t>(at + count)});
        at += count;
      }
    }
    for (const auto& missing : list.missing()) miss(missing);
    for (const auto& strays : list.strays()) miss(strays);
    if (!broken_off() && failure_.ok()) note_changes(storing_nodes(mesh));
    return finish();
  }

 private:
  // What the manifest says of the mesh, and how much there will be.
  void note(const LiveMesh& mesh) {
    std::uint64_t keys = 0;
    for (const auto& node : mesh.model.nodes) {
      auto& noted = manifest_.nodes.emplace_back();
      noted.name = node.name.str();
      noted.table = table_of(node);
      const auto* store = mesh.infos.at(noted.name)->find("store");
      if (node.stores && store != nullptr) keys += number_at(*store, "keys");
    }
    if (!options_.range) progress_.bytes_total = keys;
  }

  // Buckets that were listed and are not found were dropped, unless their node has lost them or
  // another one has them now.
  void note_changes(const std::vector<RestoreState::Node>& before) {
    const auto mesh = live_mesh({session_.endpoints()}, session_.access());
    if (!mesh) return miss("what became of the nodes meanwhile: " + mesh.status().to_string());
    for (const auto& loss : losses_since(before, storing_nodes(*mesh))) {
      miss("perhaps buckets of a node: " + loss);
    }
    for (const auto& noted : manifest_.nodes) {
      const auto now =
          std::ranges::find(mesh->model.nodes, noted.name,
                            [](const verify::MeshNode& node) { return node.name.str(); });
      if (now == mesh->model.nodes.end() || table_of(*now) == noted.table) continue;
      miss("perhaps buckets that " + noted.name +
           " was given, or gave away: its table has changed meanwhile");
    }
  }

  static std::vector<std::pair<std::string, std::string>> table_of(const verify::MeshNode& node) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& entry : node.table.entries()) {
      out.emplace_back(entry.range.to_string(), entry.node.str());
    }
    return out;
  }

  void take_group(const std::vector<std::string>& buckets) {
    std::vector<Operation> operations;
    operations.reserve(2 * buckets.size());
    for (const auto& bucket : buckets) {
      operations.push_back(ops::options(bucket));
      operations.push_back(ops::scan(bucket, {.limit = BucketCopy::kPageRecords}));
    }
    auto outcomes = read_patiently(client_, std::move(operations), session_.timeout());
    const auto now_ms = ms_since_1970();
    for (std::size_t i = 0; i < buckets.size() && failure_.ok(); ++i) {
      auto options = options_of(std::move(outcomes[2 * i]));
      // A node of an older version has none.
      if (options.status().code() == StatusCode::kUndefinedFunction) options = BucketOptions{};
      take(buckets[i], options, scan_page_of(std::move(outcomes[2 * i + 1])), now_ms);
    }
  }

  void take(const std::string& bucket, const Result<BucketOptions>& options, Result<ScanPage> page,
            std::int64_t now_ms) {
    Status status = page.ok() ? options.status() : page.status();
    if (status.ok() && !page->more) {
      const auto rev = page->rev;
      failure_ = to_.add({bucket, rev, 0, false, records_of(*std::move(page), now_ms), *options});
    } else if (status.ok()) {
      status = copy_.copy(bucket, *options, to_);
      if (copy_.disk_failed()) failure_ = std::exchange(status, {});
    }
    // One that was dropped since it was listed is part of no instant from then on.
    if (!status.ok() && status.code() != StatusCode::kNotFound && !broken_off()) {
      miss("bucket " + in_quotes(bucket) + ": " + status.to_string());
    }
    show();
  }

  void miss(const std::string& what) {
    manifest_.missing.push_back(what);
    display_.clear();
    if (manifest_.missing.size() <= kMissingTold) session_.complain("not in the backup: " + what);
  }

  void show() {
    const auto now = steady_clock::now();
    progress_.records = to_.records();
    progress_.bytes = to_.records();
    progress_.failed = manifest_.missing.size();
    progress_.elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - began_);
    display_.show(progress_, now);
  }

  int finish() {
    display_.clear();
    if (broken_off()) {
      session_.complain("interrupted: " + unfinished());
      return kExitInterrupted;
    }
    manifest_.ended_ms = ms_since_1970();
    if (failure_.ok()) failure_ = to_.finish(manifest_);
    if (!failure_.ok()) {
      return session_.end_with(kExitIncomplete,
                               {failure_.code(), failure_.text() + "; " + unfinished()});
    }
    if (manifest_.missing.size() > kMissingTold) {
      session_.complain(grouped(manifest_.missing.size() - kMissingTold) +
                        " more parts are missing; the manifest names them");
    }
    const Summary summary{
        "backed up",
        "of",
        to_.records(),
        to_.buckets(),
        manifest_.missing.size(),
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began_)};
    session_.print_line(session_.json() ? summary_json(summary).to_json() : summary_line(summary));
    return manifest_.missing.empty() ? kExitOk : kExitIncomplete;
  }
  std::string unfinished() const {
    return "the folder " + quoted_path(options_.folder) +
           " is no backup, as it has no manifest; remove it";
  }

  Session& session_;
  Client& client_;
  const BackupOptions& options_;
  BackupWriter to_;
  BucketCopy copy_;
  Manifest manifest_;
  Status failure_;  // of the disk here, which ends it
  ProgressDisplay display_;
  Progress progress_;
  steady_clock::time_point began_ = steady_clock::now();
};

// Only this node of it.
Status narrow(LiveMesh& mesh, const std::string& of) {
  const auto is_other = [&](const verify::MeshNode& node) { return node.name.str() != of; };
  if (const auto silent = mesh.model.silent.find(of); silent != mesh.model.silent.end()) {
    return mesh.infos.at(of).status();
  }
  auto& nodes = mesh.model.nodes;
  if (std::ranges::all_of(nodes, is_other)) {
    std::vector<std::string> names;
    names.reserve(nodes.size());
    for (const auto& node : nodes) names.push_back(node.name.str());
    return {StatusCode::kInvalidArgument,
            "the mesh has no node " + in_quotes(of) + "; it has " + verify::some_of(names, 9)};
  }
  for (auto& node : nodes) node.stores = node.stores && !is_other(node);
  mesh.model.silent.clear();
  return {};
}

}  // namespace

int end_unread(const Session& session, const Status& status) {
  if (status.code() == StatusCode::kUnavailable) return session.end_with(kExitUsage, status);
  return session.end_with(kExitIncomplete,
                          {status.code(), "the backup is not whole: " + status.text()});
}

int run_backup(Session& session, const BackupOptions& options) {
  const auto client = session.connected_client();
  if (!client) return session.fail(client.status());
  auto mesh = live_mesh({session.endpoints()}, session.access());
  if (!mesh) return session.fail(mesh.status());
  if (!options.of.empty()) {
    if (auto status = narrow(*mesh, options.of); !status.ok()) return session.fail(status);
  }
  auto to = BackupWriter::create(options.folder);
  if (!to) return session.end_with(kExitUsage, to.status());
  return Backup{session, **client, options, *std::move(to)}.run(*mesh);
}

Status check_shown(BackupReader& backup) {
  ProgressDisplay display;
  const auto began = steady_clock::now();
  return backup.check([&](std::uint64_t bytes) {
    const auto now = steady_clock::now();
    Progress progress;
    progress.bytes = bytes;
    progress.bytes_total = backup.manifest().bytes();
    progress.elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - began);
    display.show(progress, now);
    return !broken_off();
  });
}

int check_backup(Session& session, const std::string& folder) {
  auto backup = BackupReader::open(folder);
  if (!backup) return end_unread(session, backup.status());
  const auto& manifest = backup->manifest();
  const auto checked = check_shown(*backup);
  if (broken_off()) {
    session.complain("interrupted: the rest was not read");
    return kExitInterrupted;
  }
  if (!checked.ok()) return end_unread(session, {StatusCode::kInvalidArgument, checked.text()});
  for (const auto& missing : manifest.missing) session.complain("not in the backup: " + missing);
  if (session.json()) {
    Value::Map out{{"records", manifest.records()},     {"buckets", manifest.buckets()},
                   {"bytes", manifest.bytes()},         {"begun_ms", manifest.begun_ms},
                   {"ended_ms", manifest.ended_ms},     {"last_rev", manifest.last_rev},
                   {"missing", manifest.missing.size()}};
    session.print_json(out);
  } else {
    session.print_line(
        (manifest.missing.empty() ? "whole: " : "as it was written, with missing parts: ") +
        grouped(manifest.records()) + " records in " + grouped(manifest.buckets()) + " buckets, " +
        byte_count(manifest.bytes()) + ", of " + date_text(manifest.begun_ms));
  }
  return manifest.missing.empty() ? kExitOk : kExitIncomplete;
}

}  // namespace kvmesh::command
