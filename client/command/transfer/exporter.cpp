#include "client/command/transfer/exporter.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <utility>

#include "client/command/base/completions.h"
#include "client/command/base/interrupts.h"
#include "client/command/base/session.h"
#include "client/command/buckets/bucket_list.h"
#include "client/command/transfer/patient_reads.h"
#include "client/command/transfer/record.h"
#include "client/outcome.h"
#include "client/verify/findings.h"
#include "common/functions.h"
#include "common/route_hash.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::steady_clock;

// Pages of so many buckets are asked for at once: together at most 8 MiB of names.
constexpr std::size_t kBucketsAtOnce = 32;
constexpr std::uint32_t kKeysOfAPage = 250;
// Values that are asked for at once, by the size of those before.
constexpr std::size_t kBatchValues = 1024;
constexpr std::size_t kBatchValueBytes = std::size_t{4} * 1024 * 1024;
constexpr std::size_t kOutputBytes = std::size_t{64} * 1024;
constexpr std::uint64_t kFailuresTold = 20;  // as of an import

}  // namespace

Exporter::Exporter(Session& session, Client& client, Format format)
    : session_(session),
      connected_(client),
      client_(&client),
      format_(format),
      display_(isatty(STDOUT_FILENO) == 0),
      began_(steady_clock::now()) {}

std::string Exporter::source_of(const std::string& bucket) const {
  if (read_at_) return *read_at_;
  if (!reading_.empty()) return reading_;
  // Tables may leave the byte to hashes.
  const auto first = static_cast<std::uint8_t>(bucket.front());
  return "the node of buckets that begin with " + ByteRange{first, first}.to_string() +
         " and have " + hash_text(route_hash(bucket));
}

bool Exporter::is_gone(const std::string& source) const {
  const auto found = untold_.find(source);
  return found != untold_.end() && found->second.gone.has_value();
}

// For a request that may only have been too large for its time: this one is small.
Status Exporter::ask_whether_there(const std::string& bucket) {
  Operation question{Operation::For::kBucket, bucket, functions::kNodeName.str(), {}};
  if (read_at_) question = {Operation::For::kNode, *read_at_, functions::kNodeName.str(), {}};
  return call_until_broken_off(*client_, std::move(question), session_.timeout()).status;
}

Operation Exporter::at_its_node(Operation of_bucket) const {
  return read_at_ ? ops::here(*read_at_, std::move(of_bucket)) : std::move(of_bucket);
}

void Exporter::export_mesh() {
  const auto mesh = live_mesh({session_.endpoints()}, session_.access());
  if (!mesh) return fail("the nodes of the mesh", mesh.status());
  for (const auto& node : mesh->model.nodes) {
    if (node.stores && !broken_off()) export_own(node, mesh->ways.at(node.name.str()));
  }
  for (const auto& [name, why] : mesh->model.silent) {
    fail("node " + in_quotes(name) + ", which may store buckets", mesh->infos.at(name).status());
  }
}

void Exporter::export_own(const verify::MeshNode& node, const Way& way) {
  const std::string& name = node.name.str();
  const auto reached = access(session_, way, name);
  if (!reached) return fail("node " + in_quotes(name) + ", which stores buckets", reached.status());
  client_ = reached->client;
  reading_ = name;
  // Where requests enter at the node itself they end there, as its table says.
  read_at_ = reached->target.empty() ? std::nullopt : std::optional{name};
  std::uint64_t strays = 0;
  std::uint64_t elsewhere = 0;
  const auto export_page = [&](std::vector<std::string> buckets) {
    const auto is_stray = [&](const std::string& bucket) {
      return !verify::is_its_own(node, bucket);
    };
    strays += std::erase_if(buckets, is_stray);
    elsewhere += std::erase_if(buckets, [&](const auto& bucket) { return seen_.contains(bucket); });
    export_buckets(buckets);
  };
  list_buckets(reached->target, name, export_page);
  client_ = &connected_;
  reading_.clear();
  read_at_.reset();
  if (strays > 0) {
    leave_out(strays, name + " holds " + verify::counted(strays, "bucket", "buckets") +
                          " that its table gives to others; kvmesh export --on " + name +
                          " prints all that it holds, which may be older than what requests find "
                          "(kvmesh verify --live says what to do)");
  }
  if (elsewhere > 0) {
    leave_out(elsewhere, name + " stores " + verify::counted(elsewhere, "bucket", "buckets") +
                             " that another node stores too, which " +
                             (elsewhere == 1 ? "was" : "were") +
                             " printed as they are there; kvmesh verify --live says why");
  }
}

void Exporter::export_node(const std::string& node) {
  const std::string shown = node.empty() ? "the node" : node;
  verify::NameSet beyond;
  if (bounds_.only) {
    const auto info = client_->info(node, session_.timeout());
    const auto told = info ? told_node(*info, shown) : Result<verify::MeshNode>{info.status()};
    if (!told) return fail("the table of " + shown, told.status());
    beyond = names_beyond(*bounds_.only, told->table);
  }
  list_buckets(node, shown, [&](std::vector<std::string> buckets) {
    std::erase_if(buckets, [&](const std::string& bucket) { return beyond.holds(bucket); });
    export_buckets(buckets);
  });
}

void Exporter::list_buckets(const std::string& target, const std::string& name,
                            const std::function<void(std::vector<std::string>)>& take) {
  BucketList list{*client_, target, bounds_, session_.timeout()};
  while (true) {
    auto names = list.next();
    if (!names) return fail("the buckets of " + name, names.status());
    if (names->empty()) return;
    take(*std::move(names));
    if (is_gone(name) || broken_off()) return;
  }
}

void Exporter::export_buckets(const std::vector<std::string>& buckets) {
  std::vector<Listed> group;
  for (const auto& bucket : buckets) {
    if (!seen_.insert(bucket).second) continue;
    group.push_back({bucket, {}, true});
    if (group.size() == kBucketsAtOnce) export_group(std::exchange(group, {}));
  }
  if (!group.empty()) export_group(std::move(group));
}

void Exporter::export_group(std::vector<Listed> group) {
  while (!group.empty() && !broken_off()) {
    std::erase_if(group, [&](const Listed& listed) {
      if (!is_gone(source_of(listed.bucket))) return false;
      fail_in(listed.bucket, nullptr, {});
      return true;
    });
    std::vector<Operation> operations;
    operations.reserve(group.size());
    for (const auto& listed : group) {
      operations.push_back(at_its_node(ops::keys(listed.bucket, listed.after, kKeysOfAPage)));
    }
    auto outcomes = read_patiently(*client_, std::move(operations), session_.timeout());
    std::vector<Wanted> wanted;
    std::vector<Listed> longer;
    for (std::size_t i = 0; i < group.size(); ++i) {
      auto& [bucket, after, first_page] = group[i];
      auto page = client::names_of(std::move(outcomes[i]), functions::kKvKeys.name);
      if (!page) {
        fail_in(bucket, nullptr, page.status());
        continue;
      }
      if (first_page) ++summary_.buckets;
      if (first_page && page->names.empty()) write({bucket, std::nullopt});
      if (page->more && !page->names.empty()) longer.push_back({bucket, page->names.back(), false});
      for (auto& key : page->names) wanted.push_back({bucket, std::move(key)});
    }
    export_values(wanted);
    group = std::move(longer);
  }
}

void Exporter::export_values(const std::vector<Wanted>& wanted) {
  for (std::size_t at = 0; at < wanted.size();) {
    const std::size_t count = std::min(batch_size_, wanted.size() - at);
    export_batch(wanted.data() + at, wanted.data() + at + count);
    at += count;
  }
}

// The answer to export_batch() for one key; empty: it is not there.
Result<std::optional<Record::KeyValue>> Exporter::pair_of(const std::string& key,
                                                          Outcome outcome) const {
  using Pair = std::optional<Record::KeyValue>;
  if (!has_expiry()) {
    auto value = client::value_of(std::move(outcome), functions::kKvGet.name);
    if (!value) return value.status();
    return value->has_value() ? Pair{{key, **std::move(value), {}}} : Pair{};
  }
  auto read = entries_of(std::move(outcome));
  if (!read) return read.status();
  if (read->entries.empty() || !read->entries.front()) return Pair{};
  auto& [rev, value, ttl] = *read->entries.front();
  Record::KeyValue out{key, std::move(value), {}};
  // The time of day, as what is left of it says nothing when it is imported.
  if (ttl) out.expires_ms = ms_since_1970() + ttl->count();
  return Pair{std::move(out)};
}

void Exporter::export_batch(const Wanted* begin, const Wanted* end) {
  for (; begin != end && is_gone(source_of(begin->bucket)); ++begin) {
    fail_in(begin->bucket, &begin->key, {});
  }
  std::vector<Operation> operations;
  operations.reserve(static_cast<std::size_t>(end - begin));
  for (const auto* one = begin; one != end; ++one) {
    operations.push_back(at_its_node(has_expiry() ? ops::read(one->bucket, {one->key})
                                                  : ops::get(one->bucket, one->key)));
  }
  auto outcomes = read_patiently(*client_, std::move(operations), session_.timeout());
  std::size_t largest = 64;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& [bucket, key] = begin[i];
    auto pair = pair_of(key, std::move(outcomes[i]));
    if (!pair) {
      fail_in(bucket, &key, pair.status());
    } else if (pair->has_value()) {  // else it was deleted since it was listed
      largest = std::max(largest, (*pair)->value.size());
      write({bucket, *std::move(pair)});
    }
  }
  batch_size_ = std::clamp(kBatchValueBytes / largest, std::size_t{1},
                           std::min(batch_size_ * 4, kBatchValues));
}

void Exporter::write(const Record& record) {
  output_ += format_ == Format::kTsv ? format_tsv(record) : format_json_line(record);
  output_ += '\n';
  ++summary_.records;
  if (output_.size() >= kOutputBytes) flush();
}

void Exporter::flush() {
  session_.print(output_);
  output_.clear();
  const auto now = steady_clock::now();
  Progress progress;
  progress.records = summary_.records;
  progress.failed = summary_.failed;
  progress.elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - began_);
  display_.show(progress, now);
}

void Exporter::fail(const std::string& what, const Status& status) {
  if (broken_off()) return;  // which finish() tells
  display_.clear();
  ++summary_.failed;
  session_.complain("cannot read " + what + ": " + status.to_string());
}

void Exporter::fail_in(const std::string& bucket, const std::string* key, const Status& status) {
  if (broken_off()) return;
  auto& [buckets, keys, gone] = untold_[source_of(bucket)];
  if (gone || told_ == kFailuresTold) {
    ++summary_.failed;
    ++(key == nullptr ? buckets : keys);
  } else {
    ++told_;
    const std::string whole = "bucket " + in_quotes(bucket);
    fail(key == nullptr ? "the keys of " + whole : "key " + in_quotes(*key) + " of " + whole,
         status);
  }
  if (gone || !is_transient(status.code()) || status.code() == StatusCode::kOverloaded) return;
  if (Status there = ask_whether_there(bucket); is_transient(there.code())) gone = there;
}

void Exporter::tell_untold() {
  for (const auto& [source, untold] : untold_) {
    const auto& [buckets, keys, gone] = untold;
    std::string text;
    if (buckets > 0) text = verify::counted(buckets, "more bucket", "more buckets");
    if (keys > 0)
      text += (text.empty() ? "" : " and ") + verify::counted(keys, "more key", "more keys");
    if (text.empty()) continue;
    session_.complain("cannot read " + text + " of " + source +
                      (gone ? ", which was not asked again: " + gone->to_string() : ""));
  }
}

void Exporter::leave_out(std::uint64_t buckets, const std::string& why) {
  display_.clear();
  summary_.failed += buckets;
  session_.complain("not exported: " + why);
}

int Exporter::finish() {
  flush();
  display_.clear();
  tell_untold();
  summary_.elapsed =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began_);
  const std::string line =
      session_.json() ? summary_json(summary_).to_json() : summary_line(summary_);
  std::fprintf(stderr, "%s\n", line.c_str());
  if (broken_off()) {
    session_.complain("interrupted: the rest was not read");
    return kExitInterrupted;
  }
  return summary_.failed > 0 ? kExitIncomplete : kExitOk;
}

}  // namespace kvmesh::command
