#include "client/command/verify/live_strays.h"

#include <kvmesh/client.h>
#include <kvmesh/limits.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/command/verify/moves.h"
#include "client/command/verify/reach.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

constexpr std::size_t kShownBuckets = 5;

struct Strays {
  std::uint64_t count = 0;
  std::vector<std::string> some;  // the first, as they are shown
  verify::ByteSet bytes;
};

// The bytes of buckets that requests which the node gets do not end with it.
verify::ByteSet not_its_own(const verify::MeshNode& node) {
  verify::ByteSet out;
  for (int byte = 0; byte < 256; ++byte) {
    const auto key = static_cast<std::uint8_t>(byte);
    if (!verify::is_its_own(node, key)) out.insert(key);
  }
  return out;
}

void keep(const std::string& bucket, Strays& out) {
  ++out.count;
  out.bytes.insert(static_cast<std::uint8_t>(bucket.front()));
  if (out.some.size() < kShownBuckets) out.some.push_back(in_quotes(bucket));
}

Status list_range(const Reached& node, ByteRange range, const CallTime& time, Strays& out) {
  std::string after = last_name_before(range.first);
  while (true) {
    if (time.is_over()) return time.over();
    const auto page =
        node.client->buckets(node.target, after, limits::kPageItemsDefault, time.of_a_call());
    if (!page) return page.status();
    for (const auto& bucket : page->names) {
      if (bucket <= after) return {StatusCode::kProtocolError, "its pages of buckets go back"};
      if (static_cast<std::uint8_t>(bucket.front()) > range.last) return {};
      keep(bucket, out);
    }
    if (!page->more || page->names.empty()) return {};
    after = page->names.back();
  }
}

Status list_strays(const verify::MeshNode& described, const Way& way, const CallTime& time,
                   Strays& out) {
  const auto bytes = not_its_own(described);
  if (bytes.empty()) return {};
  if (time.is_over()) return time.over();
  const auto node = reach(way, described.name.str(), time);
  if (!node) return node.status();
  for (const auto range : bytes.ranges()) {
    if (Status status = list_range(*node, range, time, out); !status.ok()) return status;
  }
  return {};
}

verify::Finding finding_of(const std::string& node, const Strays& strays) {
  verify::Finding finding;
  finding.kind = verify::FindingKind::kStray;
  finding.nodes = {node};
  finding.bytes = strays.bytes;
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

void find_strays(const LiveMesh& mesh, std::chrono::milliseconds timeout, verify::Report& report) {
  const CallTime time{timeout};
  for (const auto& node : mesh.model.nodes) {
    if (!node.stores) continue;
    const auto& name = node.name.str();
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
