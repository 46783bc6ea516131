#include "client/command/verify/live_moves.h"

#include <kvmesh/client.h>
#include <kvmesh/limits.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/command/base/completions.h"
#include "client/command/nodes/info_text.h"
#include "client/command/verify/live_mesh.h"
#include "client/command/verify/moves.h"
#include "client/outcome.h"
#include "common/functions.h"
#include "common/route_hash.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kCountsAtOnce = 1000;
constexpr int kMovedTries = 3;
constexpr milliseconds kMovesPause{250};

// A call that has used its time is not made again: there is one bound for all of them.
bool is_made_again(StatusCode code) {
  return is_transient(code) && code != StatusCode::kDeadlineExceeded;
}

class Reader final : public BucketReader {
 public:
  // `countable`: the names of buckets of which requests of `reached.client` end at that node.
  Reader(Reached& reached, const verify::NameSet& countable, const CallTime& time)
      : client_(*reached.client), target_(reached.target), countable_(countable), time_(time) {}

  Result<Names> buckets(const std::string& after) override {
    const auto page = ops::buckets(target_, after, limits::kPageItemsMax);
    return client::names_of(again_until_it_passes(page, call(page)), functions::kKvBuckets.name);
  }

  std::vector<Result<std::uint64_t>> counts(std::span<const std::string> buckets) override {
    std::vector<Result<std::uint64_t>> out;
    out.reserve(buckets.size());
    while (out.size() < buckets.size()) {
      const auto size = std::min(kCountsAtOnce, buckets.size() - out.size());
      count_some(buckets.subspan(out.size(), size), out);
    }
    return out;
  }

 private:
  Outcome call(const Operation& operation) {
    Outcome refused;
    refused.status = time_.over();
    return time_.is_over() ? refused : call_until_broken_off(client_, operation, time_.of_a_call());
  }

  // Reading is safe to repeat.
  Outcome again_until_it_passes(const Operation& operation, Outcome outcome) {
    for (int tried = 1; tried < kMovedTries && is_made_again(outcome.status.code()); ++tried) {
      std::this_thread::sleep_for(kMovesPause);
      outcome = call(operation);
    }
    return outcome;
  }

  void count_some(std::span<const std::string> buckets, std::vector<Result<std::uint64_t>>& out) {
    std::vector<Operation> operations;
    operations.reserve(buckets.size());
    for (const auto& bucket : buckets) operations.push_back(ops::count(bucket));
    if (time_.is_over()) {
      out.insert(out.end(), buckets.size(), time_.over());
      return;
    }
    auto outcomes = client_.call(operations, time_.of_a_call());
    bool passes = true;  // where one stays away, the others need not wait for it as well
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      if (!countable_.holds(buckets[i])) {
        out.emplace_back(Status{StatusCode::kUnavailable, "requests for bucket " +
                                                              in_quotes(buckets[i]) +
                                                              " that enter where " + target_ +
                                                              " can be asked do not end there"});
        continue;
      }
      if (passes) outcomes[i] = again_until_it_passes(operations[i], std::move(outcomes[i]));
      passes = passes && !is_made_again(outcomes[i].status.code());
      out.push_back(client::count_of(std::move(outcomes[i]), functions::kKvCount.name));
    }
  }

  Client& client_;
  const std::string target_;
  const verify::NameSet countable_;
  const CallTime& time_;
};

verify::NameSet ending_at(const verify::MeshModel& model, const std::string& from,
                          const std::string& node) {
  verify::NameSet out;
  const auto report = verify::verify(model, {{from}});
  if (!report) return out;
  for (const auto& owner : report->owners) {
    if (owner.node != node) continue;
    out.insert(owner.names);
  }
  return out;
}

Holding holding_of(const std::string& node, const Value& info) {
  const Value* store = info.find("store");
  if (store == nullptr) return {node, 0, 0, 0};
  return {node, number_at(*store, "buckets"), number_at(*store, "keys"),
          number_at(*store, "bytes")};
}

}  // namespace

Moves count_moves(const LiveMesh& mesh, const verify::Difference& difference,
                  const Access& access) {
  MoveCounter counter{difference};
  std::vector<Holding> holdings;
  const CallTime time{access};
  for (const auto& [node, names] : counter.losses()) {
    const auto& way = mesh.ways.at(node);
    auto reached = time.is_over() ? Result<Reached>{time.over()} : reach(way, node, time);
    if (!reached) {
      counter.fail(node, reached.status());
      continue;
    }
    holdings.push_back(holding_of(node, reached->info));
    const bool direct = reached->target.empty();
    Reader reader{*reached, direct ? names : ending_at(mesh.model, way.knower, node), time};
    counter.count(node, names, reader);
  }
  auto moves = counter.take();
  moves.holdings = std::move(holdings);
  moves.silent = mesh.model.silent;
  return moves;
}

namespace {

constexpr std::size_t kShownBuckets = 5;

struct Strays {
  std::uint64_t count = 0;
  std::vector<std::string> some;  // the first, as they are shown
  verify::NameSet names;          // theirs, as the node's table tells them apart
};

// The names of buckets that requests which the node gets do not end with it.
verify::NameSet not_its_own(const verify::MeshNode& node) {
  verify::NameSet out;
  out.insert(ByteRange{});
  out.remove(verify::own_names(node));
  return out;
}

void keep(const std::string& bucket, const RoutingTable& table, Strays& out) {
  ++out.count;
  const auto byte = static_cast<std::uint8_t>(bucket.front());
  if (table.decided_bytes().test(byte) || !table.has_hashes()) {
    out.names.insert(byte);
  } else {
    RouteKeys bytes;
    RouteKeys hashes;
    out.names.insert(bytes.set(byte), hashes.set(route_hash(bucket)));
  }
  if (out.some.size() < kShownBuckets) out.some.push_back(in_quotes(bucket));
}

// Those of `strays` that begin with a byte of the range.
Status list_range(const Reached& node, ByteRange range, const verify::NameSet& strays,
                  const RoutingTable& table, const CallTime& time, Strays& out) {
  std::string after = last_name_before(range.first);
  while (true) {
    if (time.is_over()) return time.over();
    const auto page =
        node.client->buckets(node.target, after, limits::kPageItemsDefault, time.of_a_call());
    if (!page) return page.status();
    for (const auto& bucket : page->names) {
      if (bucket <= after) return {StatusCode::kProtocolError, "its pages of buckets go back"};
      if (static_cast<std::uint8_t>(bucket.front()) > range.last) return {};
      if (strays.holds(bucket)) keep(bucket, table, out);
    }
    if (!page->more || page->names.empty()) return {};
    after = page->names.back();
  }
}

Status list_strays(const verify::MeshNode& described, const Way& way, const CallTime& time,
                   Strays& out) {
  const auto strays = not_its_own(described);
  if (strays.empty()) return {};
  if (time.is_over()) return time.over();
  const auto node = reach(way, described.name.str(), time);
  if (!node) return node.status();
  for (const auto range : runs_of(strays.first_bytes())) {
    if (Status status = list_range(*node, range, strays, described.table, time, out); !status.ok())
      return status;
  }
  return {};
}

verify::Finding finding_of(const std::string& node, const Strays& strays) {
  verify::Finding finding;
  finding.kind = verify::FindingKind::kStray;
  finding.nodes = {node};
  finding.names = strays.names;
  finding.what = node + " holds " + verify::counted(strays.count, "bucket", "buckets") +
                 " that its table gives to others, so that no request finds " +
                 (strays.count == 1 ? "it" : "them") + " there: " + joined(strays.some, ", ");
  if (strays.count > strays.some.size()) finding.what += ", ...";
  const auto copy = "kvmesh export --on " + node + " BUCKET";
  finding.advice =
      "compare first: diff <(" + copy + ") <(kvmesh export BUCKET). " +
      "If the bucket was carried over already, only drop this copy (kvmesh drop --on " + node +
      " BUCKET), as importing it would overwrite what is newer. " +
      "If requests find no such bucket, " + copy +
      " | kvmesh import stores it where it belongs now, and then drop it here";
  return finding;
}

}  // namespace

void find_strays(const LiveMesh& mesh, const Access& access, verify::Report& report) {
  const CallTime time{access};
  for (const auto& node : mesh.model.nodes) {
    if (!node.stores) continue;
    const auto& name = node.name.str();
    if (strays_of(*mesh.infos.at(name)) == 0U) continue;  // else all names are listed
    Strays strays;
    const Status status = list_strays(node, mesh.ways.at(name), time, strays);
    if (strays.count > 0) report.findings.push_back(finding_of(name, strays));
    if (status.ok()) continue;
    verify::Finding finding;
    finding.kind = verify::FindingKind::kStray;
    finding.nodes = {name};
    finding.what = "not all of what " + name + " holds could be looked at: " + status.to_string();
    finding.advice = "verify again when the node can be asked";
    report.findings.push_back(std::move(finding));
  }
}

}  // namespace kvmesh::command
